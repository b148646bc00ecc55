"""Layers with several choices of their options, and forms of training, for the tests of recipes."""

from __future__ import annotations

from dataclasses import dataclass

from traingate import BaseLayer, layers
from traingate.layers.base import ProcessRequest
from traingate.layers.recipe import OWN_STEP, TRAIN_STEP, TrainingForm

VARIANTS = (
    layers.BatchSize(4),
    layers.Bf16Autocast(),
    layers.ChannelsLast(),
    layers.ChannelsLast("input"),
    layers.CompiledStep(),
    layers.CompiledStep("one"),
    layers.DataParallel("torchrun", 1),
    layers.DataParallel("torchrun", 2, ["--rdzv-conf", "timeout=9"], accumulation=2),
    layers.DataParallel("ipexrun", 1, find_unused_parameters=True, bucket_cap_mb=4),
    layers.DataWorkers(0),
    layers.DataWorkers(2),
    layers.Float32Precision(),
    layers.FlushDenormal(),
    layers.ForeachOptimizer(),
    layers.Fp16Autocast(),
    layers.FusedOptimizer(),
    layers.GradientCheckpointing(),
    layers.GradientCheckpointing(("layer1", 'a"b')),
    layers.HugePages(),
    layers.IpexOptimize(),
    layers.PrefetchingLoader(1, 2),
    layers.TorchCompile(),
    layers.TorchCompile("ipex", dynamic=False),
    layers.TorchCompile(inductor_options={"cpp_wrapper": True}),
    layers.TunedRuntime("default", "gnu", cores="0-3"),
    layers.TunedRuntime("jemalloc", "intel"),
    layers.XlaDevice(),
)
FORMS = (
    TrainingForm(),
    TrainingForm(needs_closure=True),
    TrainingForm(TRAIN_STEP, has_collate_fn=True),
    TrainingForm(OWN_STEP),
    TrainingForm(OWN_STEP, has_several_optimizers=True),
    TrainingForm(OWN_STEP, has_several_models=True, has_several_optimizers=True),
)


@dataclass(frozen=True)
class Threads(BaseLayer):
    """Layer of a user without a recipe."""

    count: int
    name = "threads"
    order = 55

    def process(self):
        return ProcessRequest({"OMP_PROC_BIND": "true"})

    def apply(self, training):
        """Change nothing."""
