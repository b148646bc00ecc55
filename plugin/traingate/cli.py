"""Define the command ``traingate``: saved runs, calibration of the gate, facts of the machine."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import click

from traingate.baselines import saved_runs
from traingate.commands.bisect import bisect
from traingate.commands.ci import ci
from traingate.commands.compare import compare
from traingate.commands.completion import completion
from traingate.commands.diff import diff
from traingate.commands.environment import environment
from traingate.commands.history import history
from traingate.commands.output import (
    NO_RESULT,
    complain,
    exit_without_result,
    print_json,
    print_on_console,
    print_text,
)
from traingate.commands.profile import FORMAT, profile
from traingate.commands.report import report
from traingate.commands.runs import RUN_COMPLETION, STORAGE, find_run
from traingate.commands.show import show
from traingate.commands.tune import tune
from traingate.doctor import examine
from traingate.ending.termination import exiting_at_signals, signal_status
from traingate.errors import BaselineError
from traingate.records import Acceptance
from traingate.report.calibration import print_calibration
from traingate.report.doctor import print_findings

_MEASURING = frozenset({"calibrate", "diff", "profile", "tune"})
"""Commands that run pytest in this process: there, the session handles the signals."""


def _strip_nonempty(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return the value of an option without spaces around it; raise BadParameter if it is empty."""
    if not text.strip():
        raise click.BadParameter("must say why")
    return text.strip()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-traingate")
@click.pass_context
def main(context: click.Context) -> None:
    """Judge and explain runs, profile and bisect tests, examine machine and environments."""
    if context.invoked_subcommand not in _MEASURING:
        context.with_resource(exiting_at_signals())


_COMMANDS = (
    environment, compare, report, history, show, profile, diff, bisect, tune, ci, completion,
)  # fmt: skip
for _command in _COMMANDS:
    main.add_command(_command)


@main.command()
@click.argument("run", required=False, shell_complete=RUN_COMPLETION)
@click.option(
    "--reason",
    required=True,
    callback=_strip_nonempty,
    help="Why the slowdown is acceptable; kept in the record.",
)
@click.option(
    "--test",
    "tests",
    multiple=True,
    help="Accept this test alone (its full name, or the end of it). May be repeated. Needed for "
    "INCONCLUSIVE records.",
)
@STORAGE
def accept(run: str | None, reason: str, tests: tuple[str, ...], storage: str) -> None:
    """Accept a saved RUN that failed its gate as a baseline; by default the newest run.

    RUN is a file; a storage, for its newest run; the number or name of a saved run in --storage; or
    a commit, for its newest run.

    A record whose comparison was INCONCLUSIVE is accepted only if --test names it. To save a run,
    give pytest --benchmark-compare --benchmark-save=NAME.
    """
    time = datetime.now(tz=timezone.utc).isoformat(timespec="seconds")
    try:
        path = find_run(run, storage).path
        accepted_tests = saved_runs.accept(path, Acceptance(reason, time), tests)
    except BaselineError as error:
        exit_without_result(str(error))
    for test in accepted_tests:
        print_text(f"accepted {test} of {path}: {reason}")


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


@main.command()
@FORMAT
@click.option("--json", "as_json", is_flag=True, hidden=True, help="The same as --format=json.")
def doctor(*, form: str, as_json: bool) -> None:
    """Show what this machine has and lacks for each layer, and how to change that.

    This takes a second, measures nothing, and does not load torch.
    """
    findings = examine()
    if as_json or form == "json":
        print_json(findings)
        return
    print_on_console(lambda console: print_findings(console, findings))
