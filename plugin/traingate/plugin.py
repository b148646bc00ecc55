"""Implement pytest's hooks, which decide when the modules below do their work.

Every pytest run of an environment that has traingate installed loads this module. Therefore it
imports only pytest, and modules of traingate that need the standard library alone, until a training
benchmark runs.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from traingate import fixtures, layer_fixtures, options, replay
from traingate.baselines.compared_run import keep_what_can_be_shown, statistics_error
from traingate.baselines.run_files import check_compared_files
from traingate.baselines.run_saving import (
    CHECK_NAME,
    RunSaving,
    check_next_number,
    complete_run,
)
from traingate.ending.command_line import requested_options, runs_no_test
from traingate.ending.early_exit import refuse_blocked_parts, refuse_early_exit
from traingate.ending.exit_status import (
    GATE_STATUS_KEY,
    STATUSES_WITHOUT_FAILURE,
    SUMMARISED_STATUSES,
    ExitStatus,
    GateStatus,
    check_exit_status,
    is_complete,
)
from traingate.ending.required_names import RequiredNames
from traingate.ending.termination import Termination
from traingate.errors import BaselineError
from traingate.fixtures import SESSION_KEY
from traingate.report.terminal_text import terminal_text
from traingate.selection import Selection, is_training_benchmark

if TYPE_CHECKING:
    from traingate.session import Session
    from traingate.session.summary import SessionSummary

_NAME = "traingate-session"
_PARTS = ("traingate-selection", "traingate-required-names", _NAME, "traingate-run-saving")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    options.add_options(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Generator[None, None, None]:
    """Watch the loading of the first conftest files, and the parsing of their options."""
    return (yield from refuse_early_exit(early_config, parser))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, ExitStatus, ExitStatus]:
    """Check the exit status when everything else has ended."""
    return (yield from check_exit_status(config))


def pytest_configure(config: pytest.Config) -> None:
    """Parse the options, and register the fixtures and the hooks of this session."""
    refuse_blocked_parts(config, (*_PARTS, CHECK_NAME))
    options.add_marker(config)
    selection = Selection(config)
    settings = options.parse(config)
    try:  # pytest-benchmark reads the runs next
        check_compared_files(settings.storage, settings.compare)
    except BaselineError as error:
        raise pytest.UsageError(terminal_text(str(error))) from error
    hooks = _SessionHooks(config, settings, selection)
    if replay.can_record(config):
        config.pluginmanager.register(fixtures, "traingate-fixtures")
    else:
        config.pluginmanager.register(replay.WithoutRecorder(), "traingate-fixtures")
    config.pluginmanager.register(layer_fixtures, "traingate-layer-fixtures")
    config.stash[SESSION_KEY] = hooks.session
    for name, plugin in hooks.parts.items():
        config.pluginmanager.register(plugin, name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session, and unregister its hooks."""
    hooks = config.pluginmanager.get_plugin(_NAME)
    if hooks is not None:
        for name in hooks.parts:
            config.pluginmanager.unregister(name=name)
        hooks.close()
        del config.stash[SESSION_KEY]


class _SessionHooks:
    """Hooks of one session, which is made when a training benchmark first needs it."""

    def __init__(
        self, config: pytest.Config, settings: options.Settings, selection: Selection
    ) -> None:
        self._config = config
        self._can_record = replay.can_record(config)
        exit_stack = ExitStack()
        config.add_cleanup(exit_stack.close)  # last: pytest 8 has filters of its own, made later
        # pytest-benchmark gives these warnings at configure time, where filterwarnings=error would
        # turn them into a traceback. traingate checks the same conditions after the tests are
        # collected. The filters of the process are restored for a second run in it.
        exit_stack.enter_context(warnings.catch_warnings())
        for text in ("Can't compare", "Failed to load", "Benchmark machine_info is different"):
            warnings.filterwarnings("default", message=f"(?s).*{text}")
        self._settings = settings
        self._selection = selection
        self._error_messages: list[str] = []
        self._session: Session | None = None
        self._pytest_session: pytest.Session | None = None
        self._is_summary_shown = False
        self._required_names = RequiredNames(settings.require, selection, lambda: self._session)
        self._termination = Termination(self._stop)
        self._gate_status = GateStatus(
            settings, requested_options(config, config.option), selection, self._termination
        )
        config.stash[GATE_STATUS_KEY] = self._gate_status
        self._run_saving = RunSaving(settings.storage, self._saves, self._error_messages.append)
        parts = (selection, self._required_names, self, self._run_saving)
        self.parts = dict(zip(_PARTS, parts, strict=True))

    def _saves(self) -> bool:
        """Return whether pytest-benchmark saves what this session has measured."""
        return self._settings.saves and self._session is not None and bool(self._session.rows)

    def _stop(self, reason: str) -> None:
        """Let pytest run no further test."""
        if self._pytest_session is not None:
            self._pytest_session.shouldstop = reason

    def session(self) -> Session:
        """Return the session, which is made on the first call."""
        if self._session is None:
            from traingate.session import Session  # noqa: PLC0415 - loads what measuring needs

            self._termination.start()
            self._session = Session(self._settings, self._config.rootpath, sys.path)
        return self._session

    def close(self) -> None:
        """End the session if it was made."""
        try:
            if self._session is not None:
                self._session.close()
        finally:
            self._termination.close()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep pytest's session, which knows whether it ended early."""
        self._pytest_session = session

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give each training benchmark its clock, before pytest-benchmark's fixture reads it."""
        for item in items if self._can_record else ():
            if is_training_benchmark(item):
                replay.attach_clock(item)

    def pytest_collection_finish(self) -> None:
        """Check the number of the new run and read the baselines before anything is measured."""
        if runs_no_test(self._config.option) or not self._selection.benchmarks:
            return
        try:
            if self._config.stash[SESSION_KEY] == self.session:  # not of a command for one test
                options.check_limits(self._config, self._settings)
            if self._can_record:
                check_next_number(self._config, self._settings.storage)
            if self._settings.compare:
                _ = self.session().baselines
        except BaselineError as error:
            raise pytest.UsageError(terminal_text(str(error))) from error

    @cached_property
    def _summary(self) -> SessionSummary | None:
        """Return the summary of the session when its last test has ended; None if it has none."""
        session = self._pytest_session
        if session is None or session.exitstatus not in SUMMARISED_STATUSES:
            return None
        if runs_no_test(self._config.option) or not (self._settings.compares or self._session):
            return None
        if self._config.stash[SESSION_KEY] != self.session:
            return None  # ``traingate calibrate`` has replaced the session
        from traingate.session.summary import summarise  # noqa: PLC0415 - loads what measuring needs

        return summarise(self.session(), self._selection, is_complete=is_complete(session))

    @pytest.hookimpl(tryfirst=True)  # before pytest writes its JUnit file
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if the summary or a required name says so, and write the counts to JUnit."""
        if self._summary is not None:
            self._error_messages += self._summary.problems
            for plugin in self._config.pluginmanager.get_plugins():
                if hasattr(plugin, "add_global_property"):  # pytest's JUnit reporter
                    for name, number in self._summary.properties.items():
                        plugin.add_global_property(name, str(number))
        if not runs_no_test(self._config.option):
            self._error_messages += self._describe_gaps(session)
        self._error_messages += self._write_results()
        if self._error_messages and session.exitstatus in STATUSES_WITHOUT_FAILURE:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if not runs_no_test(self._config.option):
            self._gate_status.end(
                self._error_messages, self._session, is_complete=is_complete(session)
            )

    def _describe_gaps(self, session: pytest.Session) -> list[str]:
        """Return error messages if required layers, or failures, were left out of the result."""
        messages = []
        if self._config.stash[SESSION_KEY] == self.session:  # ``traingate calibrate`` replaces it
            messages += self._required_names.problems(session)
        if session.exitstatus in STATUSES_WITHOUT_FAILURE:
            messages += self._gate_status.describe_hidden_failures()
        get_plugin = self._config.pluginmanager.get_plugin
        parts = {**self.parts, **self._run_saving.parts}
        gone = [name for name, plugin in parts.items() if get_plugin(name) is not plugin]
        return messages + [f"A conftest file or a plugin has unregistered {name}" for name in gone]

    def _write_results(self) -> list[str]:
        """Write the results for tools and pages; return an error message for each missing file."""
        if self._session is None or runs_no_test(self._config.option):
            return []
        from traingate.session.results import session_results, write_results  # noqa: PLC0415 - loads jinja2

        failed_tests = [
            test for test in self._selection.benchmarks if test in self._selection.failed_tests
        ]
        session = self._pytest_session
        has_ended = session is not None and is_complete(session)
        problems = self._error_messages
        results = session_results(
            self._session, self._summary, failed_tests, problems, is_complete=has_ended
        )
        return write_results(results, self._session)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, object, object]:
        """Print the results, and below those of pytest-benchmark the errors and the counts."""
        self._is_summary_shown = True
        self._show_results(terminalreporter)
        try:
            return (yield)
        finally:
            self._show_summary(terminalreporter)

    def _show_results(self, reporter: pytest.TerminalReporter) -> None:
        """Print what was measured."""
        if self._session is not None:
            from traingate.session.terminal import show_results  # noqa: PLC0415 - loads rich

            show_results(self._session, reporter)

    def _show_summary(self, reporter: pytest.TerminalReporter) -> None:
        """Print why the session fails, if it does, and the line of the counts."""
        if self._error_messages:
            reporter.section("traingate: errors", red=True)
        for message in self._error_messages:
            reporter.write_line(terminal_text(f"ERROR: {message}"), red=True)
        if self._summary is not None and self._summary.counts is not None:
            reporter.write_line(f"traingate: {self._summary.counts}")

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Print the summary that pytest 8 leaves out with ``--no-summary``."""
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and self._summary is not None and not self._is_summary_shown:
            self._show_results(reporter)
            self._show_summary(reporter)

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_benchmark_compare_machine_info(
        self, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
    ) -> None:
        """Keep of a compared run what pytest-benchmark can show, before it looks at its machine."""
        removed = keep_what_can_be_shown(compared_benchmark, machine_info)
        if removed and self._config.getoption("benchmark_compare_fail", None):
            error = statistics_error(removed, self._settings.storage, self._settings.compare)
            raise pytest.UsageError(terminal_text(str(error)))

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Store every step in the saved file, and the names of the tests that the file lacks."""
        names = ("missing_tests", "allowed_missing_tests")
        complete_run(output_json, {name: getattr(self._summary, name, ()) for name in names})
