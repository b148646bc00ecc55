"""Define the fixture ``training_benchmark``, which measures and judges the training of a test."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import pytest

from traingate.environments.placement import Placement
from traingate.errors import (
    CautionWarning,
    ConfigurationError,
    InconclusiveWarning,
    TraingateError,
)
from traingate.layers.base import ArgumentProvider, Layer
from traingate.layers.stack import Stack
from traingate.options import Settings, limits_of
from traingate.replay import CLOCK_KEY, is_recorder
from traingate.report.terminal_text import terminal_text
from traingate.requested_layers import RequestedLayers
from traingate.training_setup import Workload, WorkloadName, workload_name

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from traingate.controller.measure import Result
    from traingate.records import Measurement, Published
    from traingate.report.progress import WorkerOutput
    from traingate.session import Session
    from traingate.session.jobs import BenchmarkRequest

SESSION_KEY: pytest.StashKey[Callable[[], Session]] = pytest.StashKey()
"""Key in ``config.stash`` of a function that returns the session. Its first call makes the session,
so that a run without training benchmarks does not load what measuring needs."""


class TrainingBenchmark(Protocol):
    """Type of the fixture ``training_benchmark``, for annotations."""

    def __call__(
        self,
        workload: Workload,
        layers: Iterable[Layer] = (),
        published: Iterable[Published] = (),
        **arguments: Any,
    ) -> Measurement:
        """Measure a workload, as the docstring of the fixture describes."""


@pytest.fixture
def training_benchmark(  # noqa: D417 - Args are those of the function that it returns
    request: pytest.FixtureRequest,
    benchmark: BenchmarkFixture,
    _requested_layers: RequestedLayers,
) -> TrainingBenchmark:
    """Measure how fast a workload trains under the layers of the test.

    A test can call it once. If a comparison is requested, such as by ``--benchmark-compare``, it
    fails the test if the throughput is lower than the tolerance allows. It skips the test if this
    machine cannot run a layer.

    Args:
        workload: Function at the top level of a module that returns a ``traingate.TrainingSetup``,
            or a ``functools.partial`` of one. If it has the parameters, it gets the ``scale``, and
            the ``batch_size`` of the layer of this name. All others need defaults or arguments.
        layers: Layers to add to the fixtures', objects of the protocol ``traingate.Layer``.
        published: Published throughputs of the same experiment, each a
            ``traingate.records.Published``, to show together with the result.
        arguments: Keyword arguments for the workload, and a part of its identity in the record, so
            JSON must be able to represent them; a tuple becomes a list.

    Returns:
        Record of the test, a ``traingate.records.Measurement``, which pytest-benchmark saves too.
    """
    measured_workloads: list[Workload] = []

    def measure(
        workload: Workload, layers: Any = (), published: Any = (), **arguments: Any
    ) -> Measurement:
        __tracebackhide__ = True
        _check_use(request, measured_workloads)
        measured_workloads.append(workload)
        session = request.config.stash[SESSION_KEY]()
        error_message: str | None = None
        try:
            stack = Stack.of([*_requested_layers.collect(request), *layers])
            session.requested_names |= stack.names
            name = _workload_name(workload, arguments, stack)
            places = session.jobs.place(stack, name, _requested_layers.environment)
            benchmark_request = _benchmark_request(request, name, stack, published, places)
            skip_reason = _skip_reason(*places, session.settings)
            if skip_reason is None:
                _warn_of_cautions(request.config, places[0])
                with _observer(request) as observer:
                    result = session.run(benchmark_request, observer)
        except TraingateError as error:
            error_message = session.failures[request.node.nodeid] = str(error)
        # Failing inside of the handler would make pytest show both exceptions.
        if error_message is not None:
            _fail(benchmark, error_message)
        if skip_reason is not None:
            session.unavailable_tests.add(request.node.nodeid)
            pytest.skip(skip_reason)
        if session.settings.measures:
            _record(request, benchmark, session, result)
        else:
            _note_use(benchmark)
        return result.measurement

    return measure


def _benchmark_request(
    request: pytest.FixtureRequest,
    workload: WorkloadName,
    stack: Stack,
    published: Iterable[Published],
    places: tuple[Placement, Placement | None],
) -> BenchmarkRequest:
    from traingate.session.jobs import BenchmarkRequest  # noqa: PLC0415 - see SESSION_KEY

    return BenchmarkRequest(
        test=request.node.nodeid,
        workload=workload,
        stack=stack,
        limits=limits_of(request.node.iter_markers("traingate")),
        published=tuple(published),
        placement=places[0],
        base=places[1],
        environment=request.getfixturevalue("_requested_layers").environment,
    )


def _workload_name(
    workload: Workload, arguments: Mapping[str, object], stack: Stack
) -> WorkloadName:
    """Return the name of the workload with its arguments.

    Raises:
        ConfigurationError: If a layer sets one of the arguments too.
        WorkloadError: If the worker could not call the workload with these arguments.
    """
    name = workload_name(workload, arguments)
    for layer in stack.layers:
        if isinstance(layer, ArgumentProvider):
            for argument in layer.workload_arguments().keys() & name.arguments.keys():
                raise ConfigurationError(
                    f"{argument} is set by the layer {layer.name} and given to the workload as an "
                    "argument too: keep one of them"
                )
    return name


def _skip_reason(placement: Placement, base: Placement | None, settings: Settings) -> str | None:
    """Return why the test must be skipped, None if it can be measured.

    Args:
        placement: Environment of the candidate.
        base: Environment of the base, None for that of the candidate.
        settings: Settings of the session.

    Raises:
        ConfigurationError: If a layer that cannot run is required.
    """
    if base is not None and base.environment == placement.environment and not settings.against:
        return f"both sides would run the same code in {base.environment.title}"
    for side in filter(None, (placement, base)):
        missing_requirements = side.examination.missing_requirements
        for requirement in missing_requirements:
            if requirement.concerns(settings.require):
                raise ConfigurationError(f"{requirement}; --traingate-require asks for it")
        if missing_requirements:
            place = "" if side is placement else f", in {side.environment.title}, which is the base"
            return f"{missing_requirements[0]}{place}"
    return None


def _check_use(request: pytest.FixtureRequest, measured_workloads: list[Workload]) -> None:
    """Fail the test before it is measured if pytest-benchmark could not record the result."""
    __tracebackhide__ = True
    if measured_workloads:
        pytest.fail("training_benchmark measures once per test: split the test", pytrace=False)
    if CLOCK_KEY not in request.node.stash:
        pytest.fail("training_benchmark must be an argument of the test", pytrace=False)


def _note_use(benchmark: BenchmarkFixture) -> None:
    """Use pytest-benchmark's fixture, which is disabled and would warn that it was not used."""
    if is_recorder(benchmark):  # CodSpeed would report the empty function's time
        benchmark.pedantic(lambda: None)  # type: ignore[no-untyped-call] # it has no types


def _fail(benchmark: BenchmarkFixture, message: str) -> NoReturn:
    """Fail the test with *message*, and without a record of pytest-benchmark."""
    __tracebackhide__ = True
    message = terminal_text(message)  # it may have the end of a log of anything

    def raise_error() -> NoReturn:
        raise TraingateError(message)

    # A benchmark that raises is not recorded. Without one, pytest-benchmark would warn that its
    # fixture was not used.
    if is_recorder(benchmark):
        with contextlib.suppress(TraingateError):
            benchmark.pedantic(raise_error)  # type: ignore[no-untyped-call] # it has no types
    pytest.fail(message, pytrace=False)


def _record(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, session: Session, result: Result
) -> None:
    """Record the measurement, and then fail the test or warn, as the verdict requires."""
    __tracebackhide__ = True
    from traingate.records import Outcome, to_json  # noqa: PLC0415 - see SESSION_KEY
    from traingate.report.cautions import cautions  # noqa: PLC0415
    from traingate.report.properties import junit_properties  # noqa: PLC0415
    from traingate.report.row import Row  # noqa: PLC0415
    from traingate.report.verdict import explain  # noqa: PLC0415

    measurement = result.measurement
    if result.profile is not None and session.settings.profile is not None:
        error_message: str | None = None
        try:
            folder = _write_profiles(Path(session.settings.profile), request.node.nodeid, result)
        except ConfigurationError as error:
            error_message = str(error)
        if error_message is not None:  # see ``training_benchmark``
            _fail(benchmark, error_message)
        measurement = measurement.with_profile_files(folder)
    benchmark.extra_info["traingate"] = to_json(measurement)
    request.node.stash[CLOCK_KEY].replay(benchmark, measurement.step_seconds)
    session.rows.append(Row(request.node.name, measurement, request.node.nodeid, result.sides))
    request.node.user_properties += junit_properties(measurement)
    for caution in cautions(measurement):
        text = terminal_text(f"{request.node.nodeid}: {caution}")
        warnings.warn(CautionWarning(text), stacklevel=3)
    verdict = measurement.verdict
    if verdict is None:
        return
    if verdict.failed:
        pytest.fail(explain(verdict), pytrace=False)
    if verdict.outcome is Outcome.INCONCLUSIVE and verdict.accepted is None:
        warnings.warn(InconclusiveWarning(explain(verdict)), stacklevel=3)


def _write_profiles(directory: Path, test: str, result: Result) -> Path:
    """Write the profiles of a test, and return their folder.

    Raises:
        ConfigurationError: If a file cannot be written.
    """
    from traingate.report.profiles import (  # noqa: PLC0415 - loads templates
        ProfileFile,
        make_profile_folder,
        write_profiles,
    )

    verdict, sides = result.measurement.verdict, result.sides
    assert result.profile is not None
    content = ProfileFile(
        test=test,
        candidate=result.profile if sides is None else sides.candidate,
        base=None if sides is None else sides.base,
        explanation=None if verdict is None else verdict.explanation,
    )
    folder = make_profile_folder(directory, test)
    write_profiles(folder, content)
    return folder


_SHOWN_CAUTIONS: pytest.StashKey[set[str]] = pytest.StashKey()


def _warn_of_cautions(config: pytest.Config, placement: Placement) -> None:
    """Emit the cautions of the layers about this machine as warnings, each once a session."""
    shown_cautions = config.stash.setdefault(_SHOWN_CAUTIONS, set())
    for caution in placement.examination.cautions:
        if caution not in shown_cautions:
            warnings.warn(CautionWarning(caution), stacklevel=4)
            # Added after the warning: if warnings are errors, each test with the layer must fail.
            shown_cautions.add(caution)


def _observer(request: pytest.FixtureRequest) -> AbstractContextManager[WorkerOutput]:
    from traingate.report.observers import observer_of  # noqa: PLC0415 - see SESSION_KEY

    return observer_of(request)
