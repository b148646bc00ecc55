"""The fixtures of the layers: a test that asks for one adds the layer to its stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from traingate import layers as layer_types
from traingate.errors import (
    ConfigurationError,
)
from traingate.layers.base import Layer


@dataclass
class RequestedLayers:
    """What the test's layer fixtures have asked for, in the order of asking."""

    layers: list[Layer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def resolved(self) -> list[Layer]:
        """The layers; ConfigurationError if one could not be made."""
        if self.problems:
            raise ConfigurationError("\n".join(self.problems))
        return self.layers


@pytest.fixture
def _requested_layers() -> RequestedLayers:
    """Shared by the layer fixtures and ``training_benchmark`` of one test."""
    return RequestedLayers()


def _layer_fixture(kind: type[Any]) -> Any:
    """The fixture of a layer: its choice comes by indirect parametrisation.

    A dict gives the layer's options, any other value its first option; True asks for the
    layer as it is by default, False and None for none.
    """

    def add(request: pytest.FixtureRequest, _requested_layers: RequestedLayers) -> Layer | None:
        choice = getattr(request, "param", True)
        if choice is False or choice is None:
            return None
        try:
            layer: Layer = _make(kind, choice)
        except ConfigurationError as error:
            # Told when the layers are put to use: pytest-benchmark complains of a test that
            # never came to its fixture.
            _requested_layers.problems.append(str(error))
            return None
        _requested_layers.layers.append(layer)
        return layer

    add.__doc__ = f"{kind.__doc__}"
    return pytest.fixture(name=kind.name)(add)


def _make(kind: type[Any], choice: object) -> Layer:
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
"""The layers that traingate ships, and the extras that bring what some of them need."""


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
