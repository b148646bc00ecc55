"""Run pytest for one training benchmark, with a comparison of one's own in place of the gate."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from traingate.comparison.base import Comparison
from traingate.controller.job import Job
from traingate.ending.termination import FIRST_SIGNAL_STATUS, INTERRUPTED_STATUS, Termination
from traingate.errors import TraingateError
from traingate.fixtures import SESSION_KEY
from traingate.options import Settings, parse
from traingate.report.terminal_text import terminal_text
from traingate.selection import is_training_benchmark
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

MakeComparison: TypeAlias = Callable[[Session, BenchmarkRequest, Job, float], Comparison]
"""Function from the session, the request of the test, its job and its tolerance in percent to the
comparison that is made of it."""


class SingleTestPlugin:
    """Plugin of pytest that selects the first training benchmark, and compares it in its own way.

    Args:
        make_comparison: Function that returns the comparison.
        launches: Number of launches in which the test is measured first; None for that of the
            settings.
        is_exact: True to refuse a name that is that of several training benchmarks.
        check_test: Function that is called with pytest's rootdir and the full name of the test,
            before the test runs. Its errors end the run.

    Attributes:
        has_result: True once the comparison has its result. What the test asserts, or limits, of
            the measurement before it decides nothing from then on.
    """

    def __init__(
        self,
        make_comparison: MakeComparison,
        launches: int | None = None,
        *,
        is_exact: bool = False,
        check_test: Callable[[Path, str], None] = lambda _root, _test: None,
    ) -> None:
        self.has_result = False
        self._is_exact = is_exact
        self._check_test = check_test
        self._make_comparison = make_comparison
        self._launches = launches
        self._session: Session | None = None
        self._config: pytest.Config | None = None
        self._parsed_settings: Settings | None = None
        self._pytest_session: pytest.Session | None = None
        self._was_interrupted = False
        self._termination = Termination(self._stop)

    def run(self, test: str | None, options: Sequence[str], arguments: Sequence[str]) -> int:
        """Run pytest, and return its exit status, or that of the signal that has ended it.

        Args:
            test: Full name of the test; None for the first training benchmark that pytest finds.
            options: Options of pytest that the command sets.
            arguments: Further arguments of the user for pytest.
        """
        tests = [] if test is None else [test]
        command = ["-q", "-p", "no:cacheprovider", *options, *tests, *arguments]
        status = int(pytest.main(command, plugins=[self]))
        by_signal = self._termination.exit_status
        if by_signal is not None or status > FIRST_SIGNAL_STATUS:
            return by_signal or status
        return INTERRUPTED_STATUS if self._was_interrupted else status

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Replace the session, after traingate's own hook has run."""
        self._config = config
        if not config.pluginmanager.has_plugin("traingate"):
            raise pytest.UsageError("this command needs what -p no:traingate turns off")
        self._parsed_settings = parse(config)
        config.stash[SESSION_KEY] = lambda: self._make_session(config)

    def _make_session(self, config: pytest.Config) -> Session:
        """Return the session, whose only comparison is that of this plugin."""
        if self._session is None:
            self._termination.start()
            assert self._parsed_settings is not None
            settings = self._settings(self._parsed_settings)
            self._session = Session(settings, config.rootpath, sys.path, self._comparison)
        return self._session

    def _settings(self, settings: Settings) -> Settings:
        return replace(
            settings,
            compare=False,
            against=None,
            against_python=None,
            against_environment=None,
            launches=settings.launches if self._launches is None else self._launches,
        )

    def _comparison(self, request: BenchmarkRequest, job: Job, tolerance: float) -> Comparison:
        """Return the comparison, as a ``ComparisonFactory``."""
        assert self._session is not None
        return self._make_comparison(self._session, request, job, tolerance)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Select the first training benchmark alone.

        Raises:
            UsageError: If there are several, and one alone is to be named; or if the selected one
                cannot be run.
        """
        benchmarks = [item for item in items if is_training_benchmark(item)]
        if self._is_exact and len(benchmarks) > 1:
            names = "".join(f"\n  {item.nodeid}" for item in benchmarks)
            raise pytest.UsageError(f"name one training benchmark, not {len(benchmarks)}:{names}")
        selected_items = benchmarks[:1]
        config.hook.pytest_deselected(items=[item for item in items if item not in selected_items])
        items[:] = selected_items
        try:
            for item in items:
                self._check_test(config.rootpath, item.nodeid)
        except TraingateError as error:
            raise pytest.UsageError(terminal_text(str(error))) from error

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the test pass if there is a result."""
        report = yield
        if self.has_result and report.when == "call" and report.failed:
            report.outcome, report.longrepr = "passed", None
        return report

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep pytest's session, to end it at a signal."""
        self._pytest_session = session

    def pytest_keyboard_interrupt(self) -> None:
        """Note that Ctrl-C, or a signal, has ended the run."""
        self._was_interrupted = True

    def _stop(self, reason: str) -> None:
        """Let pytest run no further test."""
        if self._pytest_session is not None:
            self._pytest_session.shouldstop = reason

    def pytest_unconfigure(self) -> None:
        """Close the session."""
        try:
            if self._session is not None:
                self._session.close()
        finally:
            self._termination.close()

    def write_line(self, text: str) -> None:
        """Write a line to the terminal while the test runs, in spite of pytest's capturing."""
        assert self._config is not None
        plugins = self._config.pluginmanager
        reporter: Any = plugins.getplugin("terminalreporter")
        capture: Any = plugins.getplugin("capturemanager")
        context: AbstractContextManager[object] = contextlib.nullcontext()
        if capture is not None:
            context = capture.global_and_fixture_disabled()
        with context:
            if reporter is not None:
                reporter.write_line(terminal_text(text))
                reporter.flush()
