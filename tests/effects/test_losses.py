"""Test that the loss under each layer agrees with plain's, within the layer's ``loss_tolerance``."""

from __future__ import annotations

import pytest
from subjects import small_net, tiny_images_net

from traingate import BaseLayer, layers

LAYERS = (
    layers.XlaDevice(),
    layers.CompiledStep(),
    pytest.param(layers.TorchCompile("ipex"), marks=pytest.mark.long),
    pytest.param(layers.TorchCompile(dynamic=True), marks=pytest.mark.long),
    pytest.param(
        layers.TorchCompile(inductor_options={"cpp_wrapper": True}), marks=pytest.mark.long
    ),
    pytest.param(layers.TorchCompile(mode="max-autotune-no-cudagraphs"), marks=pytest.mark.long),
    layers.TorchCompile("inductor"),
    layers.IpexOptimize(),
    pytest.param(layers.TunedRuntime("glibc", "gnu"), marks=pytest.mark.long),
    layers.FlushDenormal(),
    layers.DataWorkers(1),
    pytest.param(layers.PrefetchingLoader(1), marks=pytest.mark.long),
    layers.ChannelsLast(),
    pytest.param(layers.ChannelsLast("input"), marks=pytest.mark.long),
    layers.Float32Precision(),
    layers.Bf16Autocast(),
    layers.Fp16Autocast(),
    layers.FusedOptimizer(),
    layers.ForeachOptimizer(),
    layers.HugePages(),
    layers.GradientCheckpointing(("2",)),
    layers.DataParallel("torchrun", 1),
)
"""Compilers come first, and in ``test_effects`` after other layers: under xdist, neither file is to
wait for the launch of a stack that the other has just started."""

AUTOCAST = {"bf16_autocast", "fp16_autocast"}
"""Layers whose products take seconds for larger images on a CPU without instructions for them."""

PROFILED = {
    "bf16_autocast", "fp16_autocast", "channels_last", "ipex_optimize", "fused_optimizer",
    "foreach_optimizer",
}  # fmt: skip
"""Layers whose operators other files of this folder look at, so that they share the launch."""


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_the_losses_of_five_seeded_steps_agree_with_those_of_plain(observe, train, layer):
    workload = tiny_images_net if layer.name in AUTOCAST else small_net
    observation = (observe if layer.name in PROFILED else train)(layer, workload=workload)
    losses = observation.losses
    plain = train(workload=workload, environment=observation.record.environment_name)
    assert len({step["parameters"] for step in observation.steps[0]}) == len(observation.steps[0])
    tolerance = layer.loss_tolerance or BaseLayer.loss_tolerance  # one rank trains as plain does
    assert losses == pytest.approx(plain.losses, rel=tolerance)


def test_ipex_in_bf16_stays_within_the_tolerance_of_autocast(train):
    losses = train(layers.Bf16Autocast(), layers.IpexOptimize()).losses
    plain = train(environment="ipex")
    assert losses == pytest.approx(plain.losses, rel=layers.Bf16Autocast.loss_tolerance)


def test_only_layers_that_change_the_mathematics_have_a_wide_tolerance():
    classes = [getattr(layers, name) for name in layers.__all__]
    with_wide_tolerance = {
        layer_class.name for layer_class in classes if (layer_class.loss_tolerance or 1.0) > 1e-3
    }
    assert with_wide_tolerance == {
        "bf16_autocast",
        "fp16_autocast",
        "float32_precision",
        "batch_size",
        "data_parallel",
    }
    assert all(
        layer_class.mathematics
        for layer_class in classes
        if layer_class.name in with_wide_tolerance
    )
