"""Define ``traingate ci``: the steps of a gate for pull requests on GitHub."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from traingate.errors import BaselineError, ConfigurationError
from traingate.history.read import read_history
from traingate.pull_requests.comment import post_comment, read_results
from traingate.pull_requests.data_branch import BRANCH, DataBranch
from traingate.pull_requests.event import read_workflow_run
from traingate.pull_requests.measuring import RESULTS_FILE, measure_pull_request, run_pytest
from traingate.records.history import History
from traingate.report.history import history_text
from traingate.report.markdown import code_block

_FAILED = 1
_NO_RESULT = 2

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


@ci.command(context_settings={"ignore_unknown_options": True})
@click.option("--base", metavar="REF", help="Commit to compare with.  [default: the merge base]")
@_OUTPUT
@_BRANCH
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def gate(base: str | None, output: Path, branch: str, pytest_arguments: tuple[str, ...]) -> None:
    """Compare a pull request with its merge base, on this machine.

    Arguments go to pytest. The results, the report with the history of the main branch, and the
    profiles are written to --output. A slowdown is accepted by a line "traingate-accept: REASON" in
    the pull request's description, of an author who may push to the repository, or by the label
    "traingate: accept". Exit status: that of pytest; 2 if there is nothing to compare with.
    """
    storage = output / "runs"
    storage.mkdir(parents=True, exist_ok=True)
    try:
        DataBranch.of_origin(branch).fetch(storage)
    except ConfigurationError as error:
        click.echo(f"traingate: the report has no history: {error}", err=True)
    _exit_with(lambda: measure_pull_request(pytest_arguments, output, base=base, storage=storage))


@ci.command(context_settings={"ignore_unknown_options": True})
@_OUTPUT
@_BRANCH
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Newest runs of each kind of machine to keep. Runs that a person has accepted, and those "
    "of tags, are always kept.",
)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def record(output: Path, branch: str, keep: int, pytest_arguments: tuple[str, ...]) -> None:
    """Measure the main branch, and keep the run on a branch of its own.

    Arguments go to pytest. The report with the history is written to --output, and the history to
    the summary of the job. Exit status: that of pytest; 1 if the history shows a loss since the
    newest tag or accepted run; 2 if the run could not be kept.
    """
    _exit_with(lambda: _record(output, branch, keep, pytest_arguments))


def _record(output: Path, branch: str, keep: int, pytest_arguments: tuple[str, ...]) -> int:
    """Measure and keep one run, and return the exit status."""
    storage = output / "runs"
    storage.mkdir(parents=True, exist_ok=True)
    data_branch = DataBranch.of_origin(branch)
    data_branch.fetch(storage)
    before = {*storage.rglob("*.json")}
    name = os.environ.get("GITHUB_RUN_ID", "run")
    options = (
        f"--benchmark-storage={storage}",
        f"--benchmark-save={name}",
        f"--traingate-html={output / 'report.html'}",
    )
    status = run_pytest([*pytest_arguments, *options])
    new_files = {*storage.rglob("*.json")} - before
    if not new_files:
        return status or _NO_RESULT
    data_branch.add(new_files, storage, keep)
    history = read_history(str(storage))
    _summarise(history)
    is_loss = any(series.since_anchor and series.since_anchor.is_loss for series in history.series)
    return status or (_FAILED if is_loss else 0)


def _summarise(history: History) -> None:
    """Print a history, and append it to the summary of the job."""
    text = history_text(history)
    click.echo(text, nl=False)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"## traingate: history\n\n{code_block(text)}\n")


@ci.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def comment(folder: Path) -> None:
    """Write the results in FOLDER as a comment of the pull request, or update the one there.

    This is for a workflow on the event workflow_run, which runs nothing of the pull request and has
    the permission pull-requests: write. If nothing failed or moved, no comment is started. Exit
    status: 0 done, 2 there are no results, or GitHub refused.
    """

    def post() -> int:
        run = read_workflow_run(os.environ)
        address = post_comment(read_results(folder / RESULTS_FILE), run, os.environ)
        click.echo(f"traingate: {address or 'nothing to say, or no open pull request'}")
        return 0

    _exit_with(post)


def _exit_with(step: Callable[[], int]) -> NoReturn:
    """Exit with the status that a step returns, or with that for a step that failed."""
    try:
        sys.exit(step())
    except (BaselineError, ConfigurationError, OSError, KeyError) as error:
        click.echo(f"traingate: {error}", err=True)
        sys.exit(_NO_RESULT)
