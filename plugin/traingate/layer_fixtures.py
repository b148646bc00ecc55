"""Define the fixtures of the layers: a test that requests one adds the layer to its stack."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest

from traingate import layers as layer_types
from traingate.environments.registry import TODAY
from traingate.errors import ConfigurationError
from traingate.layers.base import Layer
from traingate.selection import is_training_benchmark


@dataclass
class RequestedLayers:
    """Layers that the fixtures of one test have added.

    Attributes:
        layers: Layers, in the order in which pytest set up their fixtures.
        problems: Error messages of layers that could not be made.
        answered_names: Names of the layers whose fixtures have run, also those that a parameter of
            False or None leaves out.
        environment: Name of the environment that the test asks for; None if it asks for none.
        is_measured: True once ``training_benchmark`` has taken the layers.
    """

    layers: list[Layer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    answered_names: set[str] = field(default_factory=set)
    environment: str | None = None
    is_measured: bool = False

    def add(self, kind: type[Any], choice: object) -> Layer | None:
        """Add the layer of this class, and return it; None if *choice* is False or None.

        Args:
            kind: Class of the layer.
            choice: Parameter of its fixture.
        """
        if self.is_measured:
            pytest.fail(
                f"{kind.name} was set up after training_benchmark had measured without it: request "
                "it as an argument of the test",
                pytrace=False,
            )
        self.answered_names.add(kind.name)
        if choice is False or choice is None:
            return None
        try:
            layer = _make_layer(kind, choice)
        except ConfigurationError as error:
            # ``training_benchmark`` raises the error later. If the fixture failed instead,
            # pytest-benchmark would also warn that its own fixture was not used.
            self.problems.append(str(error))
            return None
        self.layers.append(layer)
        return layer

    def collect(self, request: pytest.FixtureRequest) -> list[Layer]:
        """Return the layers that the test asks for, also those whose fixtures have not run yet.

        ``training_benchmark`` may be called in a fixture that is set up before a layer's. A layer's
        name that is parametrised without ``indirect=True`` stands for the same choice.

        Args:
            request: Request of a fixture of the test.

        Raises:
            ConfigurationError: If a layer could not be made, if a fixture of the project replaces
                that of a layer, or if the name of an environment is no text.
        """
        callspec = getattr(request.node, "callspec", None)
        parameters = {} if callspec is None else callspec.params
        for name in sorted(KINDS.keys() & set(request.fixturenames)):
            value = request.getfixturevalue(name)
            if name in self.answered_names:
                continue
            if name not in parameters or value is not parameters[name]:
                raise ConfigurationError(replaced_fixture_text(name))
            self.add(KINDS[name], value)
        if _ENVIRONMENT in request.fixturenames:
            value = request.getfixturevalue(_ENVIRONMENT)
            if self.environment is None and _is_parametrised_directly(request.node, _ENVIRONMENT):
                self.environment = value
        if not isinstance(self.environment, str | None):
            self.problems.append(
                f"environment takes the name of an environment, not {self.environment!r}"
            )
        self.is_measured = True
        if self.problems:
            raise ConfigurationError("\n".join(self.problems))
        return self.layers


@pytest.fixture
def _requested_layers() -> RequestedLayers:
    """Return the object that collects a test's layers for ``training_benchmark``."""
    return RequestedLayers()


_ENVIRONMENT: Final = "environment"
"""Name of the fixture of the environment."""


@pytest.fixture(name=_ENVIRONMENT)
def _environment(request: pytest.FixtureRequest, _requested_layers: RequestedLayers) -> str:
    """Return the name of the environment that the test trains in, which is its parameter.

    Without a parameter it is ``today``, unless a layer needs another one.
    """
    if not hasattr(request, "param"):
        return TODAY
    _requested_layers.environment = request.param
    return str(request.param)


def _is_parametrised_directly(item: pytest.Item, name: str) -> bool:
    """Return whether a test has a parameter of this name without ``indirect=True``.

    A project may have a fixture of the name for a purpose of its own.
    """
    information = getattr(item, "_fixtureinfo", None)
    definitions = getattr(information, "name2fixturedefs", {}).get(name, [])
    return bool(definitions) and definitions[-1].func.__module__.startswith("_pytest.")


def _layer_fixture(kind: type[Any]) -> Any:
    """Return the fixture of a layer, whose options come by indirect parametrisation.

    A dict gives the options of the layer by name, and any other value its first option. True stands
    for the layer with its defaults; with False or None the test does not get the layer.

    Args:
        kind: Class of the layer.
    """

    def add(request: pytest.FixtureRequest, _requested_layers: RequestedLayers) -> Layer | None:
        return _requested_layers.add(kind, getattr(request, "param", True))

    add.__doc__ = f"{kind.__doc__}"
    return pytest.fixture(name=kind.name)(add)


def _make_layer(kind: type[Any], choice: object) -> Layer:
    """Return a layer by the parameter of its fixture."""
    try:
        if choice is True:
            layer: Layer = kind()
        elif isinstance(choice, dict):
            layer = kind(**choice)
        else:
            layer = kind(choice)
    except TypeError as error:
        raise ConfigurationError(
            f"{kind.name}: {error}. Give its choice as "
            f'@pytest.mark.parametrize("{kind.name}", [...], indirect=True).'
        ) from error
    return layer


def replaced_fixture_text(name: str, place: str = "") -> str:
    """Return the error message for a fixture of the project that replaces that of a layer.

    Args:
        name: Name of the fixture.
        place: Description of where the fixture is defined, empty if unknown.
    """
    return (
        f"the project's fixture {name}{place} replaces the layer of that name, so that the test "
        f"would be measured without it: rename the fixture, or let it request {name} and return it"
    )


KINDS: dict[str, type[Any]] = {
    kind.name: kind for kind in (getattr(layer_types, name) for name in layer_types.__all__)
}
"""Classes of the layers of traingate, by the names of their fixtures."""


LAYER_NAMES = frozenset(
    name for kind in KINDS.values() for name in (kind.name, kind.extra) if isinstance(name, str)
)
"""Names of the layers of traingate, and of the extras that install what some of them need."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse tests whose layers would vanish, before anything is measured."""
    tests: dict[str, str] = {}
    for item in session.items:
        if is_training_benchmark(item):
            for problem in (*_replaced_layers(item), *_layers_with_default(item)):
                tests.setdefault(problem, item.nodeid)
    if tests:
        raise pytest.UsageError("\n".join(f"{test}: {text}" for text, test in tests.items()))


def _replaced_layers(item: pytest.Item) -> Iterator[str]:
    """Yield an error message for each layer of a test whose fixture the project replaces.

    pytest has no public way to ask for the fixtures of a test before it runs. If this one ever
    leads nowhere, ``RequestedLayers.collect`` finds the same when the test runs.
    """
    information = getattr(item, "_fixtureinfo", None)
    definitions = getattr(information, "name2fixturedefs", {})
    for name in sorted(KINDS.keys() & definitions.keys()):
        for definition in reversed(definitions[name]):
            function = definition.func
            # A fixture with the argument ``request`` may ask for the layer's when it runs. pytest
            # has such a fixture for each argument that is parametrised without indirect=True.
            if function.__module__ == __name__ or "request" in definition.argnames:
                break
            if name not in definition.argnames:
                yield replaced_fixture_text(name, _place_of(function))
                break


def _place_of(function: Any) -> str:
    """Return where *function* is defined, in parentheses; empty if it has no code of its own."""
    while isinstance(function, functools.partial):
        function = function.func
    if not hasattr(function, "__code__"):  # an object that can be called
        function = type(function).__call__
    code = getattr(function, "__code__", None)
    return "" if code is None else f" ({Path(code.co_filename).name}:{code.co_firstlineno})"


def _layers_with_default(item: pytest.Item) -> Iterator[str]:
    """Yield an error message for each layer that a test names as an argument with a default.

    pytest does not fill in such an argument, so the test would not get the layer.
    """
    function = getattr(item, "function", None)
    if function is None:
        return
    for name, parameter in inspect.signature(function).parameters.items():
        if name in KINDS and parameter.default is not parameter.empty:
            yield (
                f"the argument {name} has a default, so that pytest does not ask for the layer: "
                f'write @pytest.mark.parametrize("{name}", [...], indirect=True) instead'
            )


tuned_runtime = _layer_fixture(layer_types.TunedRuntime)


huge_pages = _layer_fixture(layer_types.HugePages)


flush_denormal = _layer_fixture(layer_types.FlushDenormal)


batch_size = _layer_fixture(layer_types.BatchSize)


data_workers = _layer_fixture(layer_types.DataWorkers)


prefetching_loader = _layer_fixture(layer_types.PrefetchingLoader)


channels_last = _layer_fixture(layer_types.ChannelsLast)


gradient_checkpointing = _layer_fixture(layer_types.GradientCheckpointing)


float32_precision = _layer_fixture(layer_types.Float32Precision)


bf16_autocast = _layer_fixture(layer_types.Bf16Autocast)


fp16_autocast = _layer_fixture(layer_types.Fp16Autocast)


foreach_optimizer = _layer_fixture(layer_types.ForeachOptimizer)


fused_optimizer = _layer_fixture(layer_types.FusedOptimizer)


ipex_optimize = _layer_fixture(layer_types.IpexOptimize)


data_parallel = _layer_fixture(layer_types.DataParallel)


torch_compile = _layer_fixture(layer_types.TorchCompile)


compiled_step = _layer_fixture(layer_types.CompiledStep)


xla_device = _layer_fixture(layer_types.XlaDevice)
