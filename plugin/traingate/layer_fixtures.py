"""Define the fixtures of the layers: a test that requests one adds the layer to its stack."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from traingate import layers as layer_types
from traingate.environments.registry import TODAY
from traingate.layers.base import Layer
from traingate.layers.kinds import KINDS
from traingate.requested_layers import ENVIRONMENT, RequestedLayers, replaced_fixture_text
from traingate.selection import is_training_benchmark


@pytest.fixture
def _requested_layers() -> RequestedLayers:
    """Return the object that collects a test's layers for ``training_benchmark``."""
    return RequestedLayers()


@pytest.fixture(name=ENVIRONMENT)
def _environment(request: pytest.FixtureRequest, _requested_layers: RequestedLayers) -> str:
    """Return the name of the environment that the test trains in, which is its parameter.

    Without a parameter it is ``today``, unless a layer needs another one.
    """
    if not hasattr(request, "param"):
        return TODAY
    _requested_layers.environment = request.param
    return str(request.param)


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
