"""Implement pytest's hooks, which decide when the modules below do their work.

Every pytest run of an environment that has traingate installed loads this module. Therefore it
imports only pytest, and modules of traingate that need the standard library alone, until a training
benchmark runs.
"""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from traingate import fixtures, layer_fixtures, options, replay
from traingate.errors import BaselineError
from traingate.fixtures import SESSION_KEY

if TYPE_CHECKING:
    from traingate.report.row import Row
    from traingate.session import Session

_FIXTURE = "training_benchmark"
_NAME = "traingate-session"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register options and ini keys."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Parse the options, and register the fixtures and the hooks of this session."""
    options.add_marker(config)
    hooks = _SessionHooks(config, options.parse(config))
    if replay.can_record(config):
        config.pluginmanager.register(fixtures, "traingate-fixtures")
    else:
        config.pluginmanager.register(_WithoutRecorder(), "traingate-fixtures")
    config.pluginmanager.register(layer_fixtures, "traingate-layer-fixtures")
    config.stash[SESSION_KEY] = hooks.session
    config.pluginmanager.register(hooks, _NAME)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session, and unregister its hooks."""
    hooks = config.pluginmanager.unregister(name=_NAME)
    if hooks is not None:
        hooks.close()
        del config.stash[SESSION_KEY]


class _WithoutRecorder:
    """Fixtures for a run without pytest-benchmark, in which only tests that need it fail."""

    @pytest.fixture
    def training_benchmark(self) -> NoReturn:
        """Fail the test, and say what is missing."""
        pytest.fail(
            "training_benchmark records its steps with pytest-benchmark, which this run has not "
            "loaded. Drop -p no:benchmark, or load it with -p pytest_benchmark.plugin.",
            pytrace=False,
        )


class _SessionHooks:
    """Hooks of one session, which is made when a training benchmark first needs it."""

    def __init__(self, config: pytest.Config, settings: options.Settings) -> None:
        self._config = config
        self._can_record = replay.can_record(config)
        self._exit_stack = ExitStack()
        # pytest-benchmark gives these warnings at configure time, where filterwarnings=error would
        # turn them into a traceback. traingate checks the same conditions after the tests are
        # collected. The filters of the process are restored for a second run in it.
        self._exit_stack.enter_context(warnings.catch_warnings())
        for text in ("Can't compare", "Failed to load", "Benchmark machine_info is different"):
            warnings.filterwarnings("default", message=f"(?s).*{text}")
        self._settings = settings
        self._benchmark_count = 0  # selected tests that are to be compared
        self._error_message: str | None = None
        self._session: Session | None = None

    def session(self) -> Session:
        """Return the session, which is made on the first call."""
        if self._session is None:
            from traingate.session import Session  # noqa: PLC0415 - loads what measuring needs

            self._session = Session(self._settings, self._config.rootpath, sys.path)
        return self._session

    def close(self) -> None:
        """End the session if it was made, and restore the filters of warnings."""
        if self._session is not None:
            self._session.close()
        self._exit_stack.close()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give each training benchmark its clock, before pytest-benchmark's fixture reads it."""
        for item in items if self._can_record else ():
            if _FIXTURE in getattr(item, "fixturenames", ()):
                replay.attach_clock(item)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the baselines, so that an error in them is reported before anything is measured."""
        benchmarks = [
            item for item in session.items if _FIXTURE in getattr(item, "fixturenames", ())
        ]
        if not benchmarks or self._config.option.collectonly or not self._settings.compares:
            return
        self._benchmark_count = len(benchmarks)
        if not self._settings.compare:
            return
        try:
            _ = self.session().baselines
        except BaselineError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if a comparison compared nothing, or if a required name is unknown."""
        if session.exitstatus != pytest.ExitCode.OK or self._config.option.collectonly:
            return
        self._error_message = self._describe_missing_comparison() or self._describe_unknown_names()
        if self._error_message is not None:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _describe_missing_comparison(self) -> str | None:
        """Return an error message if a comparison was requested and nothing was compared."""
        wants_duet = self._settings.against or self._settings.against_python
        if wants_duet and not self._benchmark_count:
            option = "against" if self._settings.against else "against-python"
            return (
                f"--traingate-{option} asked for a comparison, and no training benchmark was "
                "selected. Name the tests that use training_benchmark."
            )
        if not self._benchmark_count or self._settings.on_missing == "record":
            return None
        if self.session().compared_count:
            return None
        return (
            f"A comparison was asked for, and none of {self._benchmark_count} training benchmarks "
            "was compared: all were skipped. See the reasons with -rs."
        )

    def _describe_unknown_names(self) -> str | None:
        """Return an error message if ``--traingate-require`` has a name that must be misspelt.

        That is a name which is neither of traingate's own layers nor of a layer that a test used.
        """
        used_names = self._session.requested_names if self._session is not None else set()
        unknown_names = self._settings.require - layer_fixtures.LAYER_NAMES - used_names
        if not unknown_names:
            return None
        return (
            f"--traingate-require names {', '.join(sorted(unknown_names))}, and no test has such a "
            f"layer. traingate's own are {', '.join(sorted(layer_fixtures.LAYER_NAMES))}."
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the results table, explanations of verdicts, and the error message if any."""
        if self._session is not None and self._session.rows:
            from traingate.report.table import render  # noqa: PLC0415 - loads rich

            terminalreporter.section("traingate: training throughput")
            width = shutil.get_terminal_size().columns if terminalreporter.isatty else None
            text = render(self._session.rows, width, colour=terminalreporter.hasmarkup)
            terminalreporter.write(text)
            self._explain_verdicts(terminalreporter, self._session.rows)
        if self._session is not None and self._session.interruption:
            terminalreporter.section("traingate: interrupted")
            terminalreporter.write_line(self._session.interruption, yellow=True)
        if self._error_message:
            terminalreporter.write_line(f"ERROR: {self._error_message}", red=True)

    def _explain_verdicts(self, reporter: pytest.TerminalReporter, rows: Sequence[Row]) -> None:
        """Print details of verdicts that the table lacks; failed tests have reported their own."""
        from traingate.report.verdict import explain, needs_explanation  # noqa: PLC0415 - loads records

        for row in rows:
            verdict = row.measurement.verdict
            if verdict is not None and not verdict.failed and needs_explanation(verdict):
                reporter.write_line(f"\n{row.test}\n{explain(verdict)}")

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_benchmark_compare_machine_info(
        self, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
    ) -> None:
        """Suppress pytest-benchmark's comparison of machines for runs with records of traingate.

        It includes the present clock rate, which always differs. traingate compares the hardware.
        """
        saved_benchmarks = compared_benchmark.get("benchmarks", [])
        if any("traingate" in benchmark.get("extra_info", {}) for benchmark in saved_benchmarks):
            compared_benchmark["machine_info"] = machine_info

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Store every step in the saved file, also without ``--benchmark-save-data``."""
        for saved_benchmark in output_json["benchmarks"]:
            record = saved_benchmark["extra_info"].get("traingate")
            if record is not None:
                saved_benchmark["stats"]["data"] = [
                    step for launch in record["launches"] for step in launch["step_seconds"]
                ]
