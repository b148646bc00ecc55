"""The hooks: when things happen. What happens stands in the modules below.

Loaded by every pytest run of an environment that has traingate installed: it imports
nothing but pytest and our own standard-library modules until a training benchmark runs.
"""

from __future__ import annotations

import shutil
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    """Parse the options, and register what this session needs."""
    options.add_marker(config)
    # pytest-benchmark warns of these at configure time, where filterwarnings=error would make
    # a traceback of them; what they tell is checked, and said, once tests are collected.
    for told in ("Can't compare", "Failed to load", "Benchmark machine_info is different"):
        warnings.filterwarnings("default", message=f"(?s).*{told}")
    config.pluginmanager.register(fixtures, "traingate-fixtures")
    config.pluginmanager.register(layer_fixtures, "traingate-layer-fixtures")
    hooks = _SessionHooks(config, options.parse(config))
    config.stash[SESSION_KEY] = hooks.session
    config.pluginmanager.register(hooks, _NAME)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the session and undo what ``pytest_configure`` did."""
    hooks = config.pluginmanager.unregister(name=_NAME)
    if hooks is not None:
        hooks.close()
        del config.stash[SESSION_KEY]


class _SessionHooks:
    """The hooks of one session, and the session once a training benchmark needs it."""

    def __init__(self, config: pytest.Config, settings: options.Settings) -> None:
        self._config = config
        self._settings = settings
        self._expected = 0
        self._complaint: str | None = None
        self._session: Session | None = None

    def session(self) -> Session:
        """The session, made on the first call."""
        if self._session is None:
            from traingate.session import Session  # noqa: PLC0415 - loads what measuring needs

            self._session = Session(self._settings, self._config.rootpath, sys.path)
        return self._session

    def close(self) -> None:
        """End the session if it was ever made."""
        if self._session is not None:
            self._session.close()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give each training benchmark its clock before pytest-benchmark's fixture asks."""
        for item in items:
            if _FIXTURE in getattr(item, "fixturenames", ()):
                replay.attach(item)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the baselines before anything is measured: if they are bad, say so at once."""
        benchmarks = [
            item for item in session.items if _FIXTURE in getattr(item, "fixturenames", ())
        ]
        if not benchmarks or self._config.option.collectonly or not self._settings.comparing:
            return
        self._expected = len(benchmarks)
        if not self._settings.compare:
            return
        try:
            _ = self.session().baselines
        except BaselineError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Asked to compare, and nothing compared, or to require what nobody knows: that fails."""
        if session.exitstatus != pytest.ExitCode.OK or self._config.option.collectonly:
            return
        self._complaint = self._nothing_compared() or self._nothing_required()
        if self._complaint is not None:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _nothing_compared(self) -> str | None:
        sides = self._settings.against or self._settings.against_python
        if sides and not self._expected:
            return (
                "--traingate-against asked for a comparison, and no training benchmark was "
                "selected. Name the tests that use training_benchmark."
            )
        if not self._expected or self._settings.on_missing == "record" or self.session().compared:
            return None
        return (
            f"A comparison was asked for, and none of {self._expected} training benchmarks was "
            "compared: all were skipped. See the reasons with -rs."
        )

    def _nothing_required(self) -> str | None:
        """A name that is neither known nor met in a test is a slip of the pen."""
        strange = self._settings.require - layer_fixtures.LAYER_NAMES
        unmet = strange - (self._session.requested_names if self._session is not None else set())
        if not unmet:
            return None
        return (
            f"--traingate-require names {', '.join(sorted(unmet))}, and no test has such a layer. "
            f"traingate's own are {', '.join(sorted(layer_fixtures.LAYER_NAMES))}."
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The results table."""
        if self._session is not None and self._session.rows:
            from traingate.report.table import render  # noqa: PLC0415 - loads rich

            terminalreporter.section("traingate: training throughput")
            width = shutil.get_terminal_size().columns if terminalreporter.isatty else None
            text = render(self._session.rows, width, colour=terminalreporter.hasmarkup)
            terminalreporter.write(text)
            self._explain_passes(terminalreporter, self._session.rows)
        if self._session is not None and self._session.interrupted:
            terminalreporter.section("traingate: interrupted")
            terminalreporter.write_line(self._session.interrupted, yellow=True)
        if self._complaint:
            terminalreporter.write_line(f"ERROR: {self._complaint}", red=True)

    def _explain_passes(self, reporter: pytest.TerminalReporter, rows: Sequence[Row]) -> None:
        """What else a verdict has to say than the table; failing ones stand with their tests."""
        from traingate.report.verdict import explain, needs_explanation  # noqa: PLC0415 - loads records

        for row in rows:
            verdict = row.measurement.verdict
            if verdict is not None and not verdict.failed and needs_explanation(verdict):
                reporter.write_line(f"\n{row.test}\n{explain(verdict)}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_compare_machine_info(
        self, machine_info: dict[str, Any], compared_benchmark: dict[str, Any]
    ) -> None:
        """Let our own fingerprint decide: pytest-benchmark's holds the clock rate of the moment."""
        saved = compared_benchmark.get("benchmarks", [])
        if any("traingate" in benchmark.get("extra_info", {}) for benchmark in saved):
            compared_benchmark["machine_info"] = machine_info

    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Keep every step in the saved file, also without --benchmark-save-data."""
        for saved in output_json["benchmarks"]:
            record = saved["extra_info"].get("traingate")
            if record is not None:
                saved["stats"]["data"] = [
                    step for launch in record["launches"] for step in launch["step_seconds"]
                ]
