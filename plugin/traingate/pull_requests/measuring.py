"""Measure a pull request against its merge base, and record runs of the main branch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from traingate.ending.pytest_process import run_pytest
from traingate.errors import ConfigurationError
from traingate.pull_requests.checked_results import check_results
from traingate.pull_requests.event import PullRequest, read_pull_request
from traingate.worktree.git_command import git_output

RESULTS_FILE: Final = "results.json"
"""Name of the file with the results, which the comment is made from."""


def measure_pull_request(
    arguments: Sequence[str],
    output: Path,
    *,
    base: str | None = None,
    storage: Path | None = None,
    variables: Mapping[str, str] = os.environ,
) -> int:
    """Compare the working tree with its merge base by pytest, and return pytest's exit status.

    An exit status of 0 is believed only if the results say that something was compared.

    Args:
        arguments: Arguments for pytest, such as the tests to measure.
        output: Folder for the results, the report and the profiles.
        base: Commit to compare with; None for the merge base with the target branch of the pull
            request.
        storage: Folder of the runs of the main branch, for the history in the report; None if there
            are none.
        variables: Environment variables of the job.

    Raises:
        ConfigurationError: If there is no base to compare with, or if nothing was compared.
    """
    pull_request = None if base else read_pull_request(variables)
    if base is None:
        if pull_request is None:
            raise ConfigurationError(
                "this job is not for a pull request: name the commit to compare with by --base"
            )
        base = merge_base(pull_request)
    output.mkdir(parents=True, exist_ok=True)
    (output / RESULTS_FILE).unlink(missing_ok=True)  # of an earlier run
    options = [
        f"--traingate-against={base}",
        f"--traingate-json={output / RESULTS_FILE}",
        f"--traingate-html={output / 'report.html'}",
        f"--traingate-profile={output / 'profiles'}",
    ]
    if storage is not None:
        options.append(f"--benchmark-storage={storage}")
    reason = None if pull_request is None else pull_request.acceptance
    if reason is not None:
        options.append(f"--traingate-accept={reason}")
    return run_pytest([*arguments, *options]).status or check_results(output / RESULTS_FILE)


def merge_base(pull_request: PullRequest) -> str:
    """Return the full name of the commit that a pull request is to be compared with.

    GitHub checks out the pull request merged into its target branch. The difference to the first
    parent of that merge is what the pull request changes; the target branch may have gone on since
    the event. If another commit is checked out, it is compared with the newest one that it has in
    common with the target branch.

    Args:
        pull_request: Pull request that HEAD belongs to.

    Raises:
        ConfigurationError: If the clone lacks that commit.
    """
    parents = (git_output(Path.cwd(), "rev-parse", "HEAD^@") or "").split()
    if len(parents) > 1 and parents[1] == pull_request.head.sha:
        return parents[0]
    commit = git_output(Path.cwd(), "merge-base", "HEAD", pull_request.base.sha)
    if not commit:
        raise ConfigurationError(
            f"HEAD and {pull_request.base.sha} have no commit in common in this clone: check the "
            "repository out with fetch-depth: 0"
        )
    return commit
