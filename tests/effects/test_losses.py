"""Each layer trains the same: its loss agrees with plain's within the tolerance it states."""

from __future__ import annotations

import pytest

from traingate import BaseLayer, layers

LAYERS = (
    layers.TunedRuntime("glibc", "gnu"),
    layers.FlushDenormal(),
    layers.DataWorkers(1),
    layers.PrefetchingLoader(1),
    layers.ChannelsLast(),
    layers.ChannelsLast("input"),
    layers.Float32Precision(),
    layers.Bf16Autocast(),
    layers.FusedOptimizer(),
    layers.IpexOptimize(),
    layers.TorchCompile("inductor"),
    layers.TorchCompile("ipex"),
    layers.CompiledStep(),
    layers.XlaDevice(),
    layers.DataParallel("torchrun", 1),
)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_five_seeded_steps_lose_what_plain_loses(observe, plain, layer):
    observed = observe(layer)
    losses = observed.losses
    assert len({step["parameters"] for step in observed.steps[0]}) == len(observed.steps[0])
    tolerance = layer.loss_tolerance or BaseLayer.loss_tolerance  # one rank is like none
    assert losses == pytest.approx(plain.losses, rel=tolerance)


def test_ipex_in_bf16_stays_within_the_tolerance_of_autocast(observe, plain):
    losses = observe(layers.Bf16Autocast(), layers.IpexOptimize()).losses
    assert losses == pytest.approx(plain.losses, rel=layers.Bf16Autocast.loss_tolerance)


def test_whoever_does_not_change_the_mathematics_states_a_narrow_tolerance():
    shipped = [getattr(layers, name) for name in layers.__all__]
    wide = {kind.name for kind in shipped if (kind.loss_tolerance or 1.0) > 1e-3}
    assert wide == {"bf16_autocast", "float32_precision", "batch_size", "data_parallel"}
    assert all(kind.mathematics for kind in shipped if kind.name in wide)
