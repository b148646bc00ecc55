"""Define the command ``traingate``, which has the commands of ``traingate.commands``."""

from __future__ import annotations

import click

from traingate.commands.accept import accept
from traingate.commands.bisect import bisect
from traingate.commands.calibrate import calibrate
from traingate.commands.ci import ci
from traingate.commands.compare import compare
from traingate.commands.completion import completion
from traingate.commands.diff import diff
from traingate.commands.doctor import doctor
from traingate.commands.environment import environment
from traingate.commands.history import history
from traingate.commands.profile import profile
from traingate.commands.report import report
from traingate.commands.show import show
from traingate.commands.tune import tune
from traingate.ending.termination import exiting_at_signals

_MEASURING = frozenset({"calibrate", "diff", "profile", "tune"})
"""Commands that run pytest in this process: there, the session handles the signals."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-traingate")
@click.pass_context
def main(context: click.Context) -> None:
    """Judge and explain runs, profile and bisect tests, examine machine and environments."""
    if context.invoked_subcommand not in _MEASURING:
        context.with_resource(exiting_at_signals())


_COMMANDS = (
    accept, bisect, calibrate, ci, compare, completion, diff, doctor, environment, history, profile,
    report, show, tune,
)  # fmt: skip
for _command in _COMMANDS:
    main.add_command(_command)
