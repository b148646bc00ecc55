"""Test that every other kind of model trains under every layer that does not refuse it."""

from __future__ import annotations

import pytest
from observing import job_of

from traingate import layers
from traingate.controller.single_step import take_single_step
from traingate.errors import ConfigurationError, WorkloadError
from traingate.report.progress import NoProgress
from workloads.detector import detector
from workloads.gan import gan
from workloads.recommender import recommender
from workloads.sequences import sequences
from workloads.transformer import transformer
from workloads.vision_transformer import vision_transformer

pytestmark = pytest.mark.long
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

NO_BLOCKS = "has no blocks of one class side by side: name the modules"
NO_ATTENTION = "expected Tensor.* for op: .*_scaled_dot_product_flash_attention_for_cpu_backward"

REFUSED = {
    ("transformer", layers.TorchCompile("ipex")): NO_ATTENTION,
    ("vision_transformer", layers.TorchCompile("ipex")): NO_ATTENTION,
    ("recommender", layers.GradientCheckpointing()): NO_BLOCKS,
    ("recommender", layers.FusedOptimizer()): "`_fused_sgd` does not support sparse gradients",
    ("recommender", layers.XlaDevice()): "arguments from the 'SparseXLA' backend",
    ("sequences", layers.GradientCheckpointing()): NO_BLOCKS,
    ("sequences", layers.XlaDevice()): "its data is not allocated yet",
    ("gan", layers.GradientCheckpointing()): NO_BLOCKS,
    ("gan", layers.Fp16Autocast()): "cannot scale the loss of a workload's own step",
    # With torch 2.8, of IPEX. Its discriminator is called twice before backward.
    ("gan", layers.DataParallel("ipexrun", 1)): "has been modified by an inplace operation",
}
"""Parts of the reasons why a layer, or torch itself, refuses a model."""

SLOW = {("gan", layers.XlaDevice()): "XLA compiles its step for more than five minutes"}


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
@pytest.mark.parametrize(
    "workload", [transformer, vision_transformer, detector, recommender, sequences, gan]
)
def test_a_model_trains_under_a_layer_or_is_refused_with_the_reason(tmp_path, workload, layer):
    key = (workload.__name__, layer)
    if key in SLOW:
        pytest.skip(SLOW[key])
    job = job_of([layer] if layer else [], workload, tmp_path, steps=1)
    if key in REFUSED:
        with pytest.raises((ConfigurationError, WorkloadError), match=REFUSED[key]):
            take_single_step(job, NoProgress())
        return
    measurement = take_single_step(job, NoProgress()).measurement
    assert measurement.samples_per_second > 0
