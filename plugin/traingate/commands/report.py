"""Define ``traingate report``: a saved run as a table, a picture, or a page with its history."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path

import click
import msgspec

from traingate.baselines.saved_runs import SavedRun
from traingate.commands.output import complain, exit_without_result, print_rendered
from traingate.commands.race import print_race
from traingate.commands.runs import RUN_COMPLETION, find_run, show_progress
from traingate.commands.shared_options import STORAGE
from traingate.errors import BaselineError, ConfigurationError
from traingate.history.read import read_history
from traingate.races.answer import answer
from traingate.races.files import is_race_file, read_race
from traingate.records.history import History
from traingate.records.race import Race
from traingate.report.html import render_report
from traingate.report.race import to_svg as race_svg
from traingate.report.results import measured_result, suite_results
from traingate.report.row import Row
from traingate.report.table import render, to_svg
from traingate.untrusted.files import write_atomically
from traingate.untrusted.paths import is_file, is_folder

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("source", required=False, shell_complete=RUN_COMPLETION)
@click.option("-o", "--output", type=_FILE, help="Write a page with the run and its history.")
@click.option("--svg", type=_FILE, help="Write the table as a picture instead of showing it.")
@STORAGE
def report(source: str | None, output: Path | None, svg: Path | None, storage: str) -> None:
    """Show the results of a saved run, or of a race.

    SOURCE is a file, also one of a race (traingate tune); a storage, for its newest run; the number
    or name of a saved run in --storage; or a commit, for its newest run. By default it is the
    newest run. The page that --output writes is a single file that works offline; it has the
    history too, unless SOURCE is a file. Exit status: 0 shown, 2 no such run, or a file could not
    be written.
    """
    if output is not None and svg is not None:
        raise click.UsageError("--output and --svg are two forms of the same: give one.")
    try:
        if source is not None and is_race_file(Path(source)):
            _report_race(read_race(Path(source)), output, svg)
            return
        run = find_run(source, storage)
    except BaselineError as error:
        exit_without_result(str(error))
    if not run.measurements:
        exit_without_result(f"{run.path} holds no training benchmark.")
    try:
        if output is not None:
            is_run = source is not None and is_file(source)
            is_storage = source is not None and is_folder(source)
            history = None if is_run else _history(source if source and is_storage else storage)
            write_atomically(output, _page(run, history))
            return
        rows = [Row(_short_name(test), measurement) for test, measurement in run.measurements]
        if svg is not None:
            write_atomically(svg, to_svg(rows, title=run.path.name))
            return
    except OSError as error:
        exit_without_result(f"the report was not written: {error}")
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if is_terminal else None
    print_rendered(render(rows, width, colour=is_terminal))


def _report_race(race: Race, output: Path | None, svg: Path | None) -> None:
    """Show the answer of a race, or write it as a page or a picture."""
    result = answer(race)
    if output is None and svg is None:
        print_race(race, result, "text")
        return
    try:
        if svg is not None:
            write_atomically(svg, race_svg(race, result))
        if output is not None:
            results = msgspec.structs.replace(
                suite_results([], machine=race.machine.title), title=f"Race of {race.test}"
            )
            page = render_report(results, {}, races=[race], created=race.created)
            write_atomically(output, page)
    except OSError as error:
        exit_without_result(f"the report was not written: {error}")


def _history(storage: str) -> History | None:
    """Return the history of a storage; None if it has none, with the reason as a warning."""
    try:
        with show_progress("reading runs") as progress:
            return read_history(storage, progress=progress)
    except (BaselineError, ConfigurationError) as error:
        complain(f"the page has no history: {error}")
        return None


def _page(run: SavedRun, history: History | None) -> str:
    machine = run.measurements[0][1].machine
    results = suite_results(
        [measured_result(test, measurement, "pytest") for test, measurement in run.measurements],
        machine=machine.title,
    )
    now = datetime.now(tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    created = f"{run.title}; written {now}"
    return render_report(results, dict(run.measurements), history, created=created)


def _short_name(test: str) -> str:
    """Return the name of a test without its file."""
    return test.rpartition("::")[2]
