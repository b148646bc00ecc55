"""Decide whether a run that was asked for a comparison may end with exit status 0.

When its last test has ended, ``session.summary`` says whether all was compared. But a run can end
without getting there, and another plugin can change the exit status afterwards. The functions here
see the run from its first conftest file on, and its exit status last.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from traingate import options
from traingate.ending.termination import Terminated, Termination
from traingate.selection import Selection

if TYPE_CHECKING:
    from traingate.session import Session

ExitStatus: TypeAlias = "int | pytest.ExitCode | None"

_GATE_OPTIONS: Final = (
    "--benchmark-compare",
    "--traingate-against",
    "--traingate-against-python",
    "--traingate-against-environment",
    "--traingate-require",
)
"""Options that ask for a comparison, or for layers that must run."""

_LISTING_OPTIONS: Final = (
    "--help", "-h", "--version", "-V", "--collect-only", "--collectonly", "--co", "--fixtures",
    "--funcargs", "--fixtures-per-test", "--markers", "--cache-show",
)  # fmt: skip
"""Options with which pytest prints something, and runs no test."""


@dataclass
class GateStatus:
    """How far a run has come, and whether it has failed.

    Attributes:
        settings: Settings of the run.
        selection: Tests that pytest selected.
        termination: Handler of the signals that end the run.
        has_ended: True once the run has said what it compared.
        failure: Reason why it must not end green; empty if there is none.
    """

    settings: options.Settings
    selection: Selection
    termination: Termination
    has_ended: bool = False
    failure: str = ""

    def end(self, error_messages: Sequence[str], session: Session | None) -> None:
        """Note that the run has said what it compared.

        Args:
            error_messages: Reasons why the run fails although its tests may have passed.
            session: Session of the run; None if nothing was measured.
        """
        self.has_ended = True
        failed_tests: list[str] = []
        if session is not None:
            failed_tests += [test for test, verdict in session.verdicts if verdict.failed]
            failed_tests += session.refusals
        failures = [*error_messages, *(f"{test} failed its comparison" for test in failed_tests)]
        self.failure = failures[0] if failures else ""


GATE_STATUS_KEY: Final[pytest.StashKey[GateStatus]] = pytest.StashKey()
"""Key of the status in ``config.stash``, where it stays when the plugin is unconfigured."""


def only_lists(config: pytest.Config) -> bool:
    """Return whether pytest prints tests or fixtures, and runs no test."""
    names = ("collectonly", "showfixtures", "show_fixtures_per_test")
    return any(config.getoption(name, False) for name in names)


def check_exit_status(config: pytest.Config) -> Generator[None, ExitStatus, ExitStatus]:
    """Return the exit status of the run around which pytest runs this generator.

    Args:
        config: Configuration of the run.
    """
    exit_error: SystemExit | None = None
    try:
        status = yield
    except SystemExit as error:  # of a hook of another plugin; in tests it is a failure
        if error.code:
            raise
        exit_error, status = error, pytest.ExitCode.OK
    except Terminated:
        status = pytest.ExitCode.INTERRUPTED
    gate = config.stash.get(GATE_STATUS_KEY, None)
    if gate is not None and gate.termination.exit_status is not None:
        return gate.termination.exit_status
    failure = _failure(config, gate) if status == pytest.ExitCode.OK else ""
    if failure:
        sys.stderr.write(f"ERROR: traingate: {failure}\n")
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
    arguments = {argument.partition("=")[0] for argument in config.invocation_params.args}
    is_asked_here = not arguments.isdisjoint(_GATE_OPTIONS)
    if not (is_asked_here or settings.compares or settings.require):
        return ""
    if gate is not None and gate.has_ended:
        return _failure_of_ended(gate)
    is_listing = not is_asked_here and not arguments.isdisjoint(_LISTING_OPTIONS)
    if is_listing or not _concerns_training(settings, gate):
        return ""
    asked = "a layer" if settings.require and not settings.compares else "a comparison"
    return (
        f"{asked} was asked for, and this run ended before its tests had. Look for an option that "
        "runs no test, such as --collect-only, also in addopts and in PYTEST_ADDOPTS; and for "
        "pytest.exit() and sys.exit() in conftest files and plugins."
    )


def _failure_of_ended(gate: GateStatus) -> str:
    """Return why a run that has said what it compared must not be green; empty if it may."""
    if gate.failure:
        return f"the exit status was set to 0 after this run had failed: {gate.failure}"
    if gate.selection.benchmarks and not (gate.settings.compares or gate.settings.require):
        return (
            "a comparison was asked for, and a conftest file or a plugin has changed the options."
        )
    return ""


def _concerns_training(settings: options.Settings, gate: GateStatus | None) -> bool:
    """Return False if pytest-benchmark is to compare other benchmarks, and none of traingate's.

    After --help, pytest reads no further option. Then nothing is known of a comparison.
    """
    if not settings.compare or settings.require or (gate and gate.selection.benchmarks):
        return True
    from traingate.baselines.run_files import mention_records  # noqa: PLC0415 - loads msgspec

    return mention_records(settings.storage, settings.compare)


def refuse_early_exit(early_config: pytest.Config) -> Generator[None, None, None]:
    """Fail a run that asks for a comparison if one of its first conftest files exits with status 0.

    Args:
        early_config: Configuration of the run, before all options are known.

    Raises:
        pytest.UsageError: If a file does.
    """
    try:
        yield
    except SystemExit as error:
        if error.code or not _asks_early(early_config):
            raise
        raise pytest.UsageError(
            "a comparison was asked for, and a conftest file or a plugin called sys.exit() while "
            "it was loaded, so that no test would run."
        ) from error


def _asks_early(early_config: pytest.Config) -> bool:
    known = early_config.known_args_namespace
    names = [option.lstrip("-").replace("-", "_") for option in _GATE_OPTIONS]
    if any(getattr(known, name, None) for name in names):
        return True
    return any(early_config.getini(name) for name in names if name.startswith("traingate"))
