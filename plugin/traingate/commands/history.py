"""Define ``traingate history``: throughput over commits, with its changes of level."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from traingate.commands.output import (
    NO_RESULT,
    complain,
    exit_without_result,
    json_text,
    print_text,
)
from traingate.commands.runs import show_progress
from traingate.commands.shared_options import format_option, tolerance_option
from traingate.errors import BaselineError, ConfigurationError
from traingate.history.read import read_history
from traingate.records.history import History
from traingate.report.history import history_csv, history_text, not_compared_text, write_parquet
from traingate.untrusted.files import write_atomically

_LOSS = 1


@click.command()
@click.argument("storage", default=".benchmarks")
@click.option(
    "--ref",
    "reference",
    default="HEAD",
    show_default=True,
    help="Commit that the history leads to.",
)
@click.option(
    "--anchor",
    help="Commit that the newest level is compared with.  [default: the newest tag or accepted "
    "change, else the first run]",
)
@click.option("--test", "tests", multiple=True, help="Show tests whose name has this part alone.")
@tolerance_option("Largest loss since the anchor that is let through, in percent.")
@format_option(
    "Form of the history. CSV and Parquet have a row for each commit of each test.",
    "csv",
    "parquet",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write instead of showing it.",
)
def history(
    *,
    storage: str,
    reference: str,
    anchor: str | None,
    tests: tuple[str, ...],
    tolerance: float,
    form: str,
    output: Path | None,
) -> None:
    """Show how throughput has changed over the commits of this repository.

    STORAGE is the folder of the saved runs. Throughput is relative to the yardstick, so that runs
    of slow and of fast hours compare. Small losses that follow each other are shown as one: creep.
    Exit status: 0 no loss since the anchor, 1 a loss, 2 no history, or no benchmark of the newest
    commit was compared with the named anchor.
    """
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output.")
    try:
        with show_progress("reading runs") as progress:
            result = read_history(
                storage,
                reference=reference,
                anchor=anchor,
                tolerance=tolerance,
                tests=tests,
                progress=progress,
            )
        _write(result, form, output)
    except (BaselineError, ConfigurationError, OSError) as error:
        exit_without_result(error)
    if anchor is not None:
        problem = not_compared_text(result, anchor)
        if problem:
            complain(problem)
        if not result.is_compared:
            sys.exit(NO_RESULT)
    if result.losses:
        sys.exit(_LOSS)


def _write(result: History, form: str, output: Path | None) -> None:
    if form == "parquet":
        assert output is not None
        write_parquet(result, output)
        return
    if form == "json":
        text = json_text(result) + "\n"
    else:
        text = history_csv(result) if form == "csv" else history_text(result)
    if output is None:
        print_text(text, ends_line=False)
    else:
        write_atomically(output, text)
