"""Test that every other kind of model trains under every layer that does not refuse it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from observing import job_of

from traingate import layers
from traingate.controller.single_step import take_single_step
from traingate.errors import ConfigurationError
from traingate.report.progress import NoProgress
from workloads.detector import detector
from workloads.gan import gan
from workloads.recommender import recommender
from workloads.sequences import sequences
from workloads.transformer import transformer
from workloads.vision_transformer import vision_transformer

LAYERS = (
    None,
    layers.TunedRuntime("glibc", "gnu"),
    layers.FlushDenormal(),
    layers.HugePages(),
    layers.BatchSize(2),
    layers.DataWorkers(1),
    layers.PrefetchingLoader(1),
    layers.ChannelsLast(),
    layers.GradientCheckpointing(),
    layers.Bf16Autocast(),
    layers.Fp16Autocast(),
    layers.Float32Precision(),
    layers.FusedOptimizer(),
    layers.ForeachOptimizer(),
    layers.IpexOptimize(),
    layers.DataParallel("torchrun", 1),
    layers.DataParallel("ipexrun", 1),
    layers.TorchCompile(),
    layers.TorchCompile("ipex"),
    layers.CompiledStep(),
    layers.XlaDevice(),
)

REFUSED = {
    ("gan", "fp16_autocast"): "cannot scale the loss of a workload's own step",
}
"""Beginnings of the reasons of layers that refuse a model, by the names of both."""


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
@pytest.mark.parametrize(
    "workload", [transformer, vision_transformer, detector, recommender, sequences, gan]
)
def test_a_model_trains_under_a_layer_or_is_refused_with_the_reason(tmp_path, workload, layer):
    job = job_of([layer] if layer else [], workload, tmp_path, steps=1)
    reason = REFUSED.get((workload.__name__, layer.name)) if layer else None
    if reason is not None:
        with pytest.raises(ConfigurationError, match=reason):
            take_single_step(job, NoProgress())
        return
    measurement = take_single_step(replace(job), NoProgress()).measurement
    assert measurement.samples_per_second > 0
