"""The command ``traingate``: judge, show and accept saved runs; look at the machine; calibrate."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console

from traingate.baselines import saved_runs
from traingate.baselines.lookup import Baselines, Subject
from traingate.comparison.screen import check_launch_count, screen
from traingate.doctor import examine
from traingate.errors import BaselineError
from traingate.gate.policy import Policy
from traingate.records import Acceptance, Measurement, Outcome, Verdict
from traingate.report.calibration import print_calibration
from traingate.report.doctor import print_findings
from traingate.report.row import Row
from traingate.report.table import picture, render
from traingate.report.verdict import explain

_REGRESSION = 1
_NOTHING_COMPARED = 2

_RUN = click.Path(path_type=Path, dir_okay=False)


def _not_blank(_context: click.Context, _option: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("must say why")
    return text.strip()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-traingate")
def main() -> None:
    """Judge and show training benchmarks that pytest-benchmark has saved."""


@main.command()
@click.argument("a", type=_RUN)
@click.argument("b", type=_RUN)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 50, min_open=True, max_open=True),
    default=5.0,
    show_default=True,
    help="Largest loss of throughput that is let through, in percent.",
)
def compare(a: Path, b: Path, tolerance: float) -> None:
    """Judge the saved run B against the saved run A.

    Exit status: 0 fine, 1 a regression, 2 something of B could not be compared.
    """
    base, run = _read(a), _read(b)
    baselines = Baselines((base,))
    outcomes = []
    for test, _ in base.measurements:
        if test not in {name for name, _ in run.measurements}:
            click.echo(f"{test}\nis in {a} alone")
    for test, measurement in run.measurements:
        try:
            verdict = _judge(baselines, test, measurement, tolerance)
        except BaselineError as error:  # noqa: PERF203 - each test has its own
            outcomes.append(Outcome.NO_BASELINE)
            click.echo(f"{test}\n{Outcome.NO_BASELINE.value}: {error}")
        else:
            outcomes.append(verdict.outcome)
            click.echo(f"{test}\n{explain(verdict)}")
    if Outcome.REGRESSED in outcomes:
        sys.exit(_REGRESSION)
    if not outcomes or Outcome.NO_BASELINE in outcomes:
        _give_up(f"Not all of {b} could be compared with {a}.")


@main.command()
@click.argument("run", type=_RUN)
@click.option("--svg", type=_RUN, help="Write the table as a picture instead of showing it.")
def report(run: Path, svg: Path | None) -> None:
    """Show the results table of a saved run."""
    rows = [Row(_short(test), measurement) for test, measurement in _read(run).measurements]
    if not rows:
        _give_up(f"{run} holds no training benchmark.")
    if svg is not None:
        svg.write_text(picture(rows, title=run.name))
        return
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    click.echo(render(rows, width, colour=terminal), nl=False)


@main.command()
@click.argument("run", type=_RUN, required=False)
@click.option(
    "--reason",
    required=True,
    callback=_not_blank,
    help="Why the slowdown is all right; kept in the record.",
)
@click.option("--test", "tests", multiple=True, help="Only this test (its name, or how it ends).")
@click.option(
    "--storage",
    default=".benchmarks",
    show_default=True,
    help="Where saved runs are, as pytest's --benchmark-storage.",
)
def accept(run: Path | None, reason: str, tests: tuple[str, ...], storage: str) -> None:
    """Make a saved RUN that failed its gate a baseline all the same; the newest by default.

    Save one with pytest --benchmark-compare --benchmark-save=NAME.
    """
    word = Acceptance(reason, datetime.now(tz=timezone.utc).isoformat(timespec="seconds"))
    try:
        path = run or saved_runs.load(storage, selection=True)[-1].path
        accepted = saved_runs.accept(path, word, tests)
    except BaselineError as error:
        _give_up(str(error))
    for test in accepted:
        click.echo(f"accepted {test} of {path}: {reason}")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("test", required=False)
@click.option(
    "--pairs",
    type=click.IntRange(min=4),
    default=8,
    show_default=True,
    help="Pairs of launches of the test against itself.",
)
@click.option(
    "--slowdown",
    "slowdowns",
    type=click.FloatRange(0, 100, min_open=True, max_open=True),
    multiple=True,
    default=(10.0, 20.0),
    show_default=True,
    help="Slowdown to inject, in percent of throughput. May be repeated.",
)
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def calibrate(
    test: str | None, pairs: int, slowdowns: tuple[float, ...], pytest_arguments: tuple[str, ...]
) -> None:
    """Measure a benchmark against itself, and against slowdowns put into it, on this machine.

    TEST is a test's name as pytest has it; by default the first training benchmark that pytest
    finds. Further arguments go to pytest. Tells the smallest slowdown that can be resolved, in how
    many launches and minutes, and which tolerance to set. Exit status: 0 fine, 2 not measured.
    """
    from traingate.calibrate import calibrate as run_calibration  # noqa: PLC0415 - loads pytest

    result = run_calibration(test, pairs, slowdowns, pytest_arguments)
    if result is None:
        _give_up(f"{test or 'the first training benchmark'} was not measured.")
    print_calibration(Console(highlight=False), result)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(*, as_json: bool) -> None:
    """Tell what this machine has and lacks for each layer, and what would mend it.

    Takes a second, measures nothing, and does not load torch.
    """
    findings = examine()
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(findings), indent=1))
        return
    print_findings(Console(highlight=False), findings)


def _judge(baselines: Baselines, test: str, measurement: Measurement, tolerance: float) -> Verdict:
    """Return the verdict on a saved measurement; raise BaselineError if it has no baseline."""
    subject = Subject(
        measurement.workload, measurement.stack, measurement.scale, measurement.batch_size
    )
    baseline = baselines.find(subject, measurement.machine, test)
    launches = len(measurement.launches)
    check_launch_count(baseline, launches)
    return screen(baseline, measurement, Policy(tolerance / 100, launches, launches)).verdict


def _read(path: Path) -> saved_runs.SavedRun:
    try:
        return saved_runs.read(path)
    except BaselineError as error:
        _give_up(str(error))


def _short(test: str) -> str:
    return test.rpartition("::")[2]


def _give_up(message: str) -> NoReturn:
    click.echo(f"traingate: {message}", err=True)
    sys.exit(_NOTHING_COMPARED)
