"""Measure a pull request against its merge base, and record runs of the main branch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.pull_requests.event import read_pull_request
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

    Args:
        arguments: Arguments for pytest, such as the tests to measure.
        output: Folder for the results, the report and the profiles.
        base: Commit to compare with; None for the merge base with the target branch of the pull
            request.
        storage: Folder of the runs of the main branch, for the history in the report.
        variables: Environment variables of the job.

    Raises:
        ConfigurationError: If there is no base to compare with.
    """
    pull_request = None if base else read_pull_request(variables)
    if base is None:
        if pull_request is None:
            raise ConfigurationError(
                "this job is not for a pull request: name the commit to compare with by --base"
            )
        base = merge_base(pull_request.base.sha)
    output.mkdir(parents=True, exist_ok=True)
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
    return run_pytest([*arguments, *options])


def run_pytest(arguments: Sequence[str]) -> int:
    """Run pytest in a process of its own, and return its exit status."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - no shell


def merge_base(target: str) -> str:
    """Return the full name of the newest commit that HEAD has in common with a target branch.

    Args:
        target: Full name of the tip of the target branch.

    Raises:
        ConfigurationError: If the clone lacks it.
    """
    commit = git_output(Path.cwd(), "merge-base", "HEAD", target)
    if not commit:
        raise ConfigurationError(
            f"HEAD and {target} have no commit in common in this clone: check the repository out "
            "with fetch-depth: 0"
        )
    return commit
