"""Define the fixtures of the layers: a test that requests one adds the layer to its stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from traingate import layers as layer_types
from traingate.errors import ConfigurationError
from traingate.layers.base import Layer


@dataclass
class RequestedLayers:
    """Layers that the fixtures of one test have added.

    Attributes:
        layers: Layers, in the order in which pytest set up their fixtures.
        problems: Error messages of layers that could not be made.
    """

    layers: list[Layer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def resolved(self) -> list[Layer]:
        """Return the layers.

        Raises:
            ConfigurationError: If a layer could not be made.
        """
        if self.problems:
            raise ConfigurationError("\n".join(self.problems))
        return self.layers


@pytest.fixture
def _requested_layers() -> RequestedLayers:
    """Return the object that collects a test's layers for ``training_benchmark``."""
    return RequestedLayers()


def _layer_fixture(kind: type[Any]) -> Any:
    """Return the fixture of a layer, whose options come by indirect parametrisation.

    A dict gives the options of the layer by name, and any other value its first option. True stands
    for the layer with its defaults; with False or None the test does not get the layer.

    Args:
        kind: Class of the layer.
    """

    def add(request: pytest.FixtureRequest, _requested_layers: RequestedLayers) -> Layer | None:
        choice = getattr(request, "param", True)
        if choice is False or choice is None:
            return None
        try:
            layer: Layer = _make_layer(kind, choice)
        except ConfigurationError as error:
            # ``training_benchmark`` raises the error later. If this fixture failed instead,
            # pytest-benchmark would also warn that its own fixture was not used.
            _requested_layers.problems.append(str(error))
            return None
        _requested_layers.layers.append(layer)
        return layer

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


LAYER_NAMES = frozenset(
    name
    for kind in (getattr(layer_types, name) for name in layer_types.__all__)
    for name in (kind.name, kind.extra)
    if isinstance(name, str)
)
"""Names of the layers of traingate, and of the extras that install what some of them need."""


tuned_runtime = _layer_fixture(layer_types.TunedRuntime)


flush_denormal = _layer_fixture(layer_types.FlushDenormal)


batch_size = _layer_fixture(layer_types.BatchSize)


data_workers = _layer_fixture(layer_types.DataWorkers)


prefetching_loader = _layer_fixture(layer_types.PrefetchingLoader)


channels_last = _layer_fixture(layer_types.ChannelsLast)


float32_precision = _layer_fixture(layer_types.Float32Precision)


bf16_autocast = _layer_fixture(layer_types.Bf16Autocast)


fused_optimizer = _layer_fixture(layer_types.FusedOptimizer)


ipex_optimize = _layer_fixture(layer_types.IpexOptimize)


data_parallel = _layer_fixture(layer_types.DataParallel)


torch_compile = _layer_fixture(layer_types.TorchCompile)


compiled_step = _layer_fixture(layer_types.CompiledStep)


xla_device = _layer_fixture(layer_types.XlaDevice)
