"""Define ``traingate ci``: the steps of a gate for pull requests on GitHub."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from traingate.baselines.run_files import stored_files
from traingate.commands.output import NO_RESULT, complain, exit_without_result, print_text
from traingate.commands.shared_options import tolerance_option
from traingate.ending.pytest_process import run_pytest
from traingate.errors import BaselineError, ConfigurationError
from traingate.history.read import read_history
from traingate.pull_requests.checked_results import check_results
from traingate.pull_requests.comment import post_comment, read_results
from traingate.pull_requests.data_branch import BRANCH, DataBranch, refuse_links
from traingate.pull_requests.event import read_workflow_run, reason_in
from traingate.pull_requests.measuring import RESULTS_FILE, measure_pull_request
from traingate.records.history import History
from traingate.report.history import history_text, not_compared_text
from traingate.report.markdown import code_block
from traingate.untrusted.files import append
from traingate.untrusted.plain_text import without_control_characters
from traingate.worktree.git_command import git_output

_FAILED = 1

_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("traingate-results"),
    show_default=True,
    help="Folder for the results, the report and the profiles.",
)
_BRANCH = click.option(
    "--branch",
    default=BRANCH,
    show_default=True,
    help="Branch of the repository that keeps the runs of the main branch.",
)


@click.group()
def ci() -> None:
    """Gate pull requests in a job of GitHub Actions."""


@ci.command()
@_OUTPUT
@_BRANCH
def fetch(output: Path, branch: str) -> None:
    """Fetch the runs of the main branch into --output.

    Exit status: 0 fetched, or there are none yet; 2 the repository cannot be reached.
    """

    def step() -> int:
        storage = _storage(output)
        DataBranch.of_origin(branch).fetch(storage)
        return 0

    _exit_with(step)


@ci.command(context_settings={"ignore_unknown_options": True})
@click.option("--base", metavar="REF", help="Commit to compare with.  [default: the merge base]")
@_OUTPUT
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def gate(base: str | None, output: Path, pytest_arguments: tuple[str, ...]) -> None:
    """Compare a pull request with its merge base, on this machine.

    Arguments go to pytest. The results, the report with the history that was fetched, and the
    profiles are written to --output. A slowdown is accepted by a line "traingate-accept: REASON" in
    the description, if the author is an owner, a member or a collaborator; or by the label
    "traingate: accept". Exit status: that of pytest; 2 if there is nothing to compare with,
    or if nothing was compared.
    """
    _exit_with(
        lambda: measure_pull_request(pytest_arguments, output, base=base, storage=_storage(output))
    )


@ci.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def check(file: Path) -> None:
    """Check that FILE, which --traingate-json wrote, says that something was compared.

    This is for a job that runs pytest itself: remove FILE first, and check it even if pytest has
    ended with status 0. Code that ends Python by os._exit passes no plugin. Exit status: 0 compared
    and nothing failed; 1 something failed; 2 there are no results, or nothing was compared.
    """
    _exit_with(lambda: check_results(file))


@ci.command(context_settings={"ignore_unknown_options": True})
@_OUTPUT
@click.option("--anchor", metavar="REF", help="Anchor of the history, as in traingate history.")
@tolerance_option("Largest loss since the anchor that is let through, in percent.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def record(
    output: Path, anchor: str | None, tolerance: float, pytest_arguments: tuple[str, ...]
) -> None:
    """Measure the main branch, and show the history with this run.

    Arguments go to pytest. The report is written to --output, and the history to the summary of the
    job. A commit whose message has a line "traingate-accept: REASON" becomes the anchor, as a tag
    does. Benchmarks that are newer than a named anchor are named. Exit status: that of pytest; 1 if
    the history shows a loss since the anchor; 2 if nothing was compared with a named anchor.
    """
    _exit_with(lambda: _record(output, anchor, tolerance, pytest_arguments))


def _record(
    output: Path, anchor: str | None, tolerance: float, pytest_arguments: tuple[str, ...]
) -> int:
    """Measure and save one run, and return the exit status."""
    storage = _storage(output)
    before = stored_files(storage)
    options = [
        f"--benchmark-storage={storage}",
        f"--benchmark-save={os.environ.get('GITHUB_RUN_ID', 'run')}",
        f"--traingate-html={output / 'report.html'}",
    ]
    message = git_output(Path.cwd(), "log", "-1", "--format=%B") or ""
    reason = reason_in(message)
    if reason is not None:
        options.append(f"--traingate-accept={reason}")
    status = run_pytest([*pytest_arguments, *options]).status
    if stored_files(storage) == before:
        return status or NO_RESULT
    history = read_history(str(storage), anchor=anchor, tolerance=tolerance)
    problem = not_compared_text(history, anchor) if anchor is not None else ""
    if problem:
        complain(problem)
    _summarise(history, problem)
    if anchor is not None and not history.is_compared:
        return status or NO_RESULT
    return status or (_FAILED if history.losses else 0)


@ci.command()
@_OUTPUT
@_BRANCH
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Newest runs of each kind of machine to keep. Runs that were accepted, and those of tags, "
    "are always kept.",
)
def push(output: Path, branch: str, keep: int) -> None:
    """Keep the runs in --output on the branch of the runs.

    This needs the permission contents: write. Exit status: 0 kept, 2 not kept.
    """

    def step() -> int:
        storage = _storage(output)
        DataBranch.of_origin(branch).add(stored_files(storage), storage, keep)
        return 0

    _exit_with(step)


def _storage(output: Path) -> Path:
    """Return the folder of the runs, which is made if it is missing.

    Raises:
        ConfigurationError: If a link of the checkout leads elsewhere, where files of the runs and
            of the results would be written.
    """
    storage = output / "runs"
    folder = Path.cwd()
    output_folder = folder / output
    paths = (output_folder, *output_folder.parents, output_folder / "profiles", folder / storage)
    refuse_links(path for path in paths if folder in path.parents)
    refuse_links((folder / storage).rglob("*"))
    storage.mkdir(parents=True, exist_ok=True)
    return storage


def _summarise(history: History, problem: str) -> None:
    """Print a history, and append it to the summary of the job, with a problem if there is one."""
    text = history_text(history)
    print_text(text, ends_line=False)
    text += f"\n{without_control_characters(problem)}\n" if problem else ""
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            append(Path(summary), f"## traingate: history\n\n{code_block(text)}\n")
        except OSError as error:
            raise ConfigurationError(
                f"GITHUB_STEP_SUMMARY: {summary} was not written: {error}"
            ) from error


@ci.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def comment(folder: Path) -> None:
    """Write the results in FOLDER as a comment of the pull request, or update the one there.

    This is for a workflow on the event workflow_run, which runs nothing of the pull request and has
    the permission pull-requests: write. If nothing failed, moved or stayed open, no comment is
    started. Exit status: 0 done, 2 there are no results, or GitHub refused.
    """

    def post() -> int:
        run = read_workflow_run(os.environ)
        address = post_comment(read_results(folder / RESULTS_FILE), run, os.environ)
        print_text(f"traingate: {address or 'nothing to say, or no open pull request'}")
        return 0

    _exit_with(post)


def _exit_with(step: Callable[[], int]) -> NoReturn:
    """Exit with the status that a step returns, or with that for a step that failed."""
    try:
        sys.exit(step())
    except (BaselineError, ConfigurationError, OSError) as error:
        exit_without_result(error)
