"""Define ``traingate accept``: make a saved run that failed its gate a baseline."""

from __future__ import annotations

from datetime import datetime, timezone

import click

from traingate.baselines import saved_runs
from traingate.commands.output import exit_without_result, print_text
from traingate.commands.runs import RUN_COMPLETION, find_run
from traingate.commands.shared_options import STORAGE
from traingate.errors import BaselineError
from traingate.records import Acceptance


def _strip_nonempty(_context: click.Context, _option: click.Parameter, text: str) -> str:
    """Return the value of an option without spaces around it; raise BadParameter if it is empty."""
    if not text.strip():
        raise click.BadParameter("must say why")
    return text.strip()


@click.command()
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
