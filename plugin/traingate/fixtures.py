"""The fixtures that people use: ``training_benchmark`` and the layers."""

from __future__ import annotations

import contextlib
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest

from traingate.errors import (
    CautionWarning,
    ConfigurationError,
    InconclusiveWarning,
    TraingateError,
)
from traingate.layer_fixtures import RequestedLayers
from traingate.layers.base import Layer
from traingate.layers.stack import Stack
from traingate.options import limits_of
from traingate.replay import CLOCK_KEY
from traingate.workload import Workload, name_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from traingate.controller.measure import Result
    from traingate.records import Measurement, Published
    from traingate.report.progress import NoProgress, ProgressLine
    from traingate.session import Session

SESSION_KEY: pytest.StashKey[Callable[[], Session]] = pytest.StashKey()
"""In ``config.stash``: makes the session on its first call, so that a run without training
benchmarks loads none of it."""


class TrainingBenchmark(Protocol):
    """The type of the fixture ``training_benchmark``, for annotations."""

    def __call__(
        self,
        workload: Workload,
        layers: Iterable[Layer] = (),
        published: Iterable[Published] = (),
    ) -> Measurement:
        """As the fixture's own docstring says."""


@pytest.fixture
def training_benchmark(
    request: pytest.FixtureRequest,
    benchmark: BenchmarkFixture,
    _requested_layers: RequestedLayers,
) -> TrainingBenchmark:
    """Measure how fast a workload trains under the test's layers; once per test.

    ``training_benchmark(workload, layers=(), published=())`` takes

    - ``workload``: a module-level function that returns a ``traingate.TrainingSetup``. Of its
      parameters ``scale`` (a string) and ``batch_size`` (where that layer is asked for) are
      filled in; all others need defaults.
    - ``layers``: further layers, objects of the protocol ``traingate.Layer``.
    - ``published``: figures, each a ``traingate.records.Published``, to stand beside the result.

    It returns the ``traingate.records.Measurement``, recorded with pytest-benchmark. With
    ``--benchmark-compare`` it fails the test when throughput has dropped below the baseline.
    """
    used: list[Workload] = []

    def measure(
        workload: Workload, layers: Iterable[Layer] = (), published: Iterable[Published] = ()
    ) -> Measurement:
        __tracebackhide__ = True
        from traingate.session import BenchmarkRequest  # noqa: PLC0415 - see SESSION_KEY

        _check_use(request, used)
        used.append(workload)
        session = request.config.stash[SESSION_KEY]()
        try:
            stack = Stack.of([*_requested_layers.resolved(), *layers])
            order = BenchmarkRequest(
                test=request.node.nodeid,
                workload=name_of(workload, "the workload of training_benchmark"),
                stack=stack,
                limits=limits_of(request.node.get_closest_marker("traingate")),
                published=tuple(published),
            )
            session.requested_names |= stack.names
            reason = _lacking(stack, session.settings.require)
            if reason is None:
                _caution(request.config, stack)
                with _observer(request) as observer:
                    result = session.run(order, observer)
        except TraingateError as error:
            failure: str | None = str(error)
        else:
            failure = None
        if failure is not None:  # outside of the handler: pytest would show both exceptions
            _fail(benchmark, failure)
        if reason is not None:
            pytest.skip(reason)
        if session.settings.measuring:
            _record(request, benchmark, session, result)
        else:
            benchmark.pedantic(lambda: None)  # type: ignore[no-untyped-call] # it has no types
        return result.measurement

    return measure


def _lacking(stack: Stack, required: frozenset[str]) -> str | None:
    """Why the test is to be skipped, or None.

    Raises:
        ConfigurationError: if ``required`` names a layer that cannot run here.
    """
    lacking = stack.missing_requirements()
    for lack in lacking:
        if lack.concerns(required):
            raise ConfigurationError(f"{lack}; --traingate-require asks for it")
    return str(lacking[0]) if lacking else None


def _check_use(request: pytest.FixtureRequest, used: list[Workload]) -> None:
    """Refuse now what pytest-benchmark could not record after minutes of measuring."""
    __tracebackhide__ = True
    if used:
        pytest.fail("training_benchmark measures once per test: split the test", pytrace=False)
    if CLOCK_KEY not in request.node.stash:
        pytest.fail("training_benchmark must be an argument of the test", pytrace=False)


def _fail(benchmark: BenchmarkFixture, message: str) -> NoReturn:
    __tracebackhide__ = True

    def refuse() -> NoReturn:
        raise TraingateError(message)

    # Tells pytest-benchmark that there is nothing to record; else it warns of a fixture unused.
    with contextlib.suppress(TraingateError):
        benchmark.pedantic(refuse)  # type: ignore[no-untyped-call] # it has no types
    pytest.fail(message, pytrace=False)


def _record(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, session: Session, result: Result
) -> None:
    """Hand the measurement to pytest-benchmark and the table, then let the verdict speak."""
    __tracebackhide__ = True
    from traingate.records import Outcome, to_json  # noqa: PLC0415 - see SESSION_KEY
    from traingate.report.row import Row  # noqa: PLC0415
    from traingate.report.verdict import explain  # noqa: PLC0415

    measurement = result.measurement
    benchmark.extra_info["traingate"] = to_json(measurement)
    request.node.stash[CLOCK_KEY].replay(benchmark, measurement.step_seconds)
    session.rows.append(Row(request.node.name, measurement))
    if result.operators is not None and session.settings.profile is not None:
        _write_profile(Path(session.settings.profile), request.node.nodeid, result.operators)
    verdict = measurement.verdict
    if verdict is None:
        return
    request.node.user_properties.append(("traingate_verdict", verdict.outcome.value))
    if verdict.failed:
        pytest.fail(explain(verdict), pytrace=False)
    if verdict.outcome is Outcome.INCONCLUSIVE:
        warnings.warn(InconclusiveWarning(explain(verdict)), stacklevel=3)


def _write_profile(directory: Path, test: str, operators: list[dict[str, Any]]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    name = "".join(character if character.isalnum() else "_" for character in test)
    (directory / f"{name}.json").write_text(json.dumps(operators, indent=1))


_CAUTIONED: pytest.StashKey[set[str]] = pytest.StashKey()


def _caution(config: pytest.Config, stack: Stack) -> None:
    """Warn of what the layers have to say about this machine, each thing once a session."""
    said = config.stash.setdefault(_CAUTIONED, set())
    for caution in stack.cautions():
        if caution not in said:
            warnings.warn(CautionWarning(caution), stacklevel=4)
            said.add(caution)  # not before: where warnings are errors, each test is to fail


@contextlib.contextmanager
def _observer(request: pytest.FixtureRequest) -> Iterator[ProgressLine | NoProgress]:
    from rich.console import Console  # noqa: PLC0415 - see SESSION_KEY

    from traingate.report.progress import NoProgress, ProgressLine  # noqa: PLC0415

    plugins = request.config.pluginmanager
    reporter: Any = plugins.getplugin("terminalreporter")
    capture: Any = plugins.getplugin("capturemanager")
    if reporter is None or not reporter.isatty or request.config.get_verbosity() < 0:
        yield NoProgress()
        return

    def uncaptured() -> AbstractContextManager[object]:
        if capture is None:
            return contextlib.nullcontext()
        context: AbstractContextManager[object] = capture.global_and_fixture_disabled()
        return context

    with uncaptured():
        console = Console(file=sys.__stdout__)
    with ProgressLine(console, uncaptured, request.node.name) as line:
        yield line
