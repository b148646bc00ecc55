"""Define ``traingate calibrate``: measure which slowdowns the gate finds on this machine."""

from __future__ import annotations

import sys

import click

from traingate.commands.output import NO_RESULT, complain, print_on_console
from traingate.ending.termination import signal_status
from traingate.report.calibration import print_calibration


@click.command(context_settings={"ignore_unknown_options": True})
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
    """Compare a benchmark with itself, unchanged and with injected slowdowns, on this machine.

    TEST is the full name of a test; by default the first training benchmark that pytest finds.
    Further arguments go to pytest. Prints the smallest slowdown that each tolerance finds, the
    pairs and minutes that it takes, and the tolerance to set. Exit status: 0 measured, 2 not
    measured, 130 interrupted (143 by SIGTERM).
    """
    from traingate.calibrate import calibrate as run_calibration  # noqa: PLC0415 - loads pytest

    result, status = run_calibration(test, pairs, slowdowns, pytest_arguments)
    if result is None:
        complain(f"{test or 'the first training benchmark'} was not measured.")
        sys.exit(signal_status(status) or NO_RESULT)
    print_on_console(lambda console: print_calibration(console, result))
