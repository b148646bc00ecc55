"""Decide whether a run that was asked for a comparison may end with exit status 0.

When its last test has ended, ``session.summary`` says whether all was compared. But a run can end
without getting there, and another plugin can change the exit status afterwards. The functions here
see the exit status last; ``early_exit`` watches the run before its command line is parsed.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from traingate import options
from traingate.baselines.run_files import may_hold_records
from traingate.ending.command_line import LAYER_OPTION, CommandLine, names_in
from traingate.ending.early_exit import (
    COMMAND_LINE_KEY,
    IS_PARSED_KEY,
    REQUESTED_KEY,
    ends_with_zero,
)
from traingate.ending.termination import Terminated, Termination
from traingate.report.terminal_text import encodable, terminal_text
from traingate.selection import Selection

if TYPE_CHECKING:
    from traingate.session import Session

ExitStatus: TypeAlias = "int | pytest.ExitCode | None"

STATUSES_WITHOUT_FAILURE: Final = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
"""Exit statuses of a run in which no test failed."""

SUMMARISED_STATUSES: Final = (
    *STATUSES_WITHOUT_FAILURE,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.INTERRUPTED,
)
"""Exit statuses of a run that ran tests; with others the options or the baselines are wrong."""


@dataclass
class GateStatus:
    """How far a run has come, and whether it has failed.

    Attributes:
        settings: Settings of the run.
        in_force: Those of ``GATE_OPTIONS`` that are in force, with their values.
        selection: Tests that pytest selected.
        termination: Handler of the signals that end the run.
        has_ended: True once the run has said what it compared.
        failure: Reason why it must not end green; empty if there is none.
    """

    settings: options.Settings
    in_force: Mapping[str, object]
    selection: Selection
    termination: Termination
    has_ended: bool = False
    failure: str = ""

    @property
    def asks(self) -> bool:
        """Return whether the options that are in force ask for a comparison, or for a layer."""
        return bool(self.settings.compares or self.settings.require)

    def describe_hidden_failures(self) -> list[str]:
        """Return an error message if tests failed in a run that is to end with exit status 0.

        These are training benchmarks, and modules that may hold some.
        """
        selection = self.selection
        names = [test for test in selection.benchmarks if test in selection.failed_tests]
        names += sorted(selection.failed_modules)
        if not names or not self.asks or not (selection.benchmarks or not self.settings.compare):
            return []
        listed = "\n".join(f"  {name}" for name in names)
        return [
            "These failed, and the exit status is 0 all the same. Look for pytest.exit() and "
            f"session.exitstatus in conftest files and plugins:\n{listed}"
        ]

    def end(
        self, error_messages: Sequence[str], session: Session | None, *, is_complete: bool
    ) -> None:
        """Note that the run has said what it compared.

        Args:
            error_messages: Reasons why the run fails although its tests may have passed.
            session: Session of the run; None if nothing was measured.
            is_complete: False if the run ended before its last test.
        """
        self.has_ended = True
        failures = [*error_messages]
        if session is not None:
            failed_tests = [test for test, verdict in session.verdicts if verdict.failed]
            failed_tests += session.refusals
            failures += [f"{test} failed its comparison" for test in failed_tests]
        selection = self.selection
        failures += [
            f"{test} failed" for test in selection.benchmarks if test in selection.failed_tests
        ]
        if not (is_complete and selection.has_collected):
            failures.append("it ended before its last test")
        self.failure = failures[0] if failures else ""


GATE_STATUS_KEY: Final[pytest.StashKey[GateStatus]] = pytest.StashKey()
"""Key of the status in ``config.stash``, where it stays when the plugin is unconfigured."""


def is_complete(session: pytest.Session) -> bool:
    """Return whether a run got to its last test, as far as its exit status says.

    pytest gives a run that stops early another status than 0. If there is a reason to stop and the
    status is 0, somebody else has set one of them, and the run must have compared all that it
    should.
    """
    if session.exitstatus in STATUSES_WITHOUT_FAILURE:
        return True
    ended_early = session.shouldfail or session.shouldstop
    return session.exitstatus == pytest.ExitCode.TESTS_FAILED and not ended_early


def check_exit_status(config: pytest.Config) -> Generator[None, ExitStatus, ExitStatus]:
    """Return the exit status of the run around which pytest runs this generator.

    Args:
        config: Configuration of the run.
    """
    config.stash[IS_PARSED_KEY] = True
    exit_error: SystemExit | None = None
    try:
        status = yield
    except SystemExit as error:  # of a hook of another plugin; in tests it is a failure
        if not ends_with_zero(error.code):
            raise
        exit_error, status = error, pytest.ExitCode.OK
    except Terminated:
        status = pytest.ExitCode.INTERRUPTED
    gate = config.stash.get(GATE_STATUS_KEY, None)
    if gate is not None and gate.termination.exit_status is not None:
        return gate.termination.exit_status
    failure = _failure(config, gate) if ends_with_zero(status) else ""
    if failure:
        text = f"ERROR: traingate: {terminal_text(failure)}\n"
        sys.stderr.write(encodable(text, sys.stderr))
        return pytest.ExitCode.TESTS_FAILED
    if exit_error is not None:
        raise exit_error
    return status


def _failure(config: pytest.Config, gate: GateStatus | None) -> str:
    """Return why a run with exit status 0 must not be green; empty if it may."""
    try:
        settings = options.parse(config) if gate is None else gate.settings
    except pytest.UsageError as error:
        return str(error)
    requested = config.stash.get(REQUESTED_KEY, {})
    command_line = config.stash.get(COMMAND_LINE_KEY, None)
    asks = command_line is not None and command_line.asks and not command_line.is_unknown
    if not (asks or requested or settings.compares or settings.require):
        return _failure_of_unknown(gate, command_line)
    compare = settings.compare or requested.get("benchmark_compare", False)
    if not _concerns_training(settings, compare, gate):
        return ""
    if gate is not None and gate.has_ended:
        return _failure_of_ended(gate, requested, command_line)
    if command_line is not None and command_line.requests_listing(config):
        return ""
    asked = "a layer" if settings.require and not settings.compares else "a comparison"
    return (
        f"{asked} was asked for, and this run ended before its tests had. Look for an option that "
        "runs no test, such as --collect-only, also in addopts and in PYTEST_ADDOPTS; and for "
        "pytest.exit() and sys.exit() in conftest files and plugins."
    )


def _failure_of_unknown(gate: GateStatus | None, command_line: CommandLine | None) -> str:
    """Return why a run that may have asked for a comparison must not be green; empty if it may.

    If it has collected no training benchmark, there was nothing to compare.
    """
    if command_line is None or not command_line.is_unknown:
        return ""
    if gate is not None and gate.selection.has_collected and not gate.selection.benchmarks:
        return ""
    return (
        "a file of arguments could not be read a second time. It may have asked for a comparison, "
        "and this run made none. Give the options on the command line itself, or in a file that "
        "stays as it is."
    )


def _failure_of_ended(
    gate: GateStatus, requested: Mapping[str, object], command_line: CommandLine | None
) -> str:
    """Return why a run that has said what it compared must not be green; empty if it may."""
    if gate.failure:
        return f"the exit status was set to 0 after this run had failed: {gate.failure}"
    comparisons = {name: value for name, value in requested.items() if name != LAYER_OPTION}
    replaced = [name for name, value in comparisons.items() if gate.in_force.get(name) != value]
    asks_in_vain = command_line is not None and command_line.asks and not (requested or gate.asks)
    has_changed = "was asked for, and a conftest file or a plugin has changed the options"
    for name in replaced:
        if gate.settings.compares and gate.in_force.get(name):
            return (
                f"{_spelling(name, requested[name])} {has_changed}: "
                f"{_spelling(name, gate.in_force[name])} was in force. Give that on the command "
                "line, or in the configuration."
            )
    if asks_in_vain or replaced or (comparisons and not gate.settings.compares):
        asked = "a comparison"
    elif not names_in(requested.get(LAYER_OPTION)) <= gate.settings.require:
        asked = "a layer"
    else:
        return ""
    return f"{asked} {has_changed}. If that is meant, pass -p no:traingate."


def _spelling(name: str, value: object) -> str:
    """Return an option as it is given: without a value if it needs none."""
    option = f"--{name.replace('_', '-')}"
    return option if value is True else f"{option}={value}"


def _concerns_training(
    settings: options.Settings, compare: object, gate: GateStatus | None
) -> bool:
    """Return False if pytest-benchmark is to compare other benchmarks, and none of traingate's.

    If nothing is stored, the collected tests show that, unless the run ended before it had them.
    After --help, pytest reads no further option. Then nothing is known of a comparison.

    Args:
        settings: Settings of the run.
        compare: Value of ``--benchmark-compare``, also if a conftest file has changed it.
        gate: How far the run has come; None if it was not configured.
    """
    if not compare or settings.require or (gate and gate.selection.benchmarks):
        return True
    has_records = may_hold_records(settings.storage, compare if compare is True else str(compare))
    if has_records is None:
        return settings.is_configured or gate is None or not gate.selection.has_collected
    return has_records
