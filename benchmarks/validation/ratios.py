"""Measure the gains of layers with pairs of workers that step in turn.

Run it as ``python benchmarks/validation/ratios.py [NAME ...]`` while nothing else runs on the
machine; docs/evidence/layers.md has some of the gains. Each pair gives one number, the log of the
ratio of the total times of its steps, without the layer by with it. The interval is Student's t
interval between pairs of fresh processes.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from traingate import layers
from traingate.controller.duet import measure_duet
from traingate.controller.job import Job, LaunchPlan, Side
from traingate.controller.scales import SCALES
from traingate.gate.statistics import mean_interval
from traingate.layers.base import Layer
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.records import LayerRecord, stack_label
from traingate.report.progress import NoProgress
from traingate.workload import ObjectName

BENCHMARKS: Final = Path(__file__).resolve().parents[1]
RESNET: Final = ObjectName(
    file=str(BENCHMARKS / "workloads" / "resnet.py"), module="workloads.resnet", qualname="resnet"
)
PAIRS: Final = 4
STEPS: Final = 8


class Comparison(NamedTuple):
    """Two stacks of the same workload.

    Attributes:
        without: Layers of the stack without the layer whose gain is measured.
        with_layer: Layers of the stack with that layer.
    """

    without: Sequence[Layer]
    with_layer: Sequence[Layer]


BATCH: Final = layers.BatchSize(4)
FP32: Final = (BATCH, layers.ChannelsLast())
BF16: Final = (BATCH, layers.ChannelsLast(), layers.Bf16Autocast())

COMPARISONS: Final[Mapping[str, Comparison]] = {
    "channels_last": Comparison((BATCH,), FP32),
    "tuned_runtime": Comparison(FP32, (*FP32, layers.TunedRuntime("tcmalloc", "intel"))),
    "tuned_runtime_glibc": Comparison(FP32, (*FP32, layers.TunedRuntime("glibc", "gnu"))),
    "tuned_runtime_jemalloc": Comparison(FP32, (*FP32, layers.TunedRuntime("jemalloc", "intel"))),
    "bf16_autocast": Comparison(FP32, BF16),
    "ipex_optimize": Comparison(FP32, (*FP32, layers.IpexOptimize())),
    "ipex_optimize_bf16": Comparison(BF16, (*BF16, layers.IpexOptimize())),
    "fused_optimizer": Comparison(FP32, (*FP32, layers.FusedOptimizer())),
    "flush_denormal": Comparison(FP32, (*FP32, layers.FlushDenormal())),
    "float32_precision": Comparison(FP32, (*FP32, layers.Float32Precision())),
    "data_workers": Comparison((BATCH,), (BATCH, layers.DataWorkers())),
    "prefetching_loader": Comparison((BATCH,), (BATCH, layers.PrefetchingLoader())),
    "torch_compile": Comparison((BATCH,), (BATCH, layers.TorchCompile())),
    "torch_compile_ipex": Comparison((BATCH,), (BATCH, layers.TorchCompile("ipex"))),
    "compiled_step": Comparison((BATCH,), (BATCH, layers.CompiledStep())),
    "xla_device": Comparison((BATCH,), (BATCH, layers.XlaDevice())),
    "data_parallel": Comparison(
        (layers.BatchSize(8),), (BATCH, layers.DataParallel("torchrun", 2))
    ),
}
"""Comparisons by name. In ``data_parallel``, two ranks of batch 4 are compared with batch 8."""


def job(stack_layers: Sequence[Layer], compile_cache: Path) -> Job:
    """Return the job of one side of a pair.

    Args:
        stack_layers: Layers of the side's stack.
        compile_cache: Directory that no other side uses.
    """
    return Job(
        workload=RESNET,
        identity="workloads/resnet.py::resnet",
        stack=Stack.of(stack_layers),
        scale=SCALES["quick"],
        launches=LaunchPlan(PAIRS, PAIRS),
        compile_cache=compile_cache,
        import_paths=(str(BENCHMARKS),),
        steps=STEPS,
        steady="threads",
        work=messages.WorkCounted(None, None),
    )


def log_gains(comparison: Comparison) -> list[float]:
    """Return the log of the factor by which the layer is faster, for each pair of fresh workers."""
    with tempfile.TemporaryDirectory() as directory:
        candidate = job(comparison.with_layer, Path(directory, "with"))
        base = job(comparison.without, Path(directory, "without"))
        base = replace(base, side=Side("without the layer"))
        plan = LaunchPlan(PAIRS, PAIRS)
        result = measure_duet(candidate, base, plan, lambda _: True, NoProgress(), by_steps=True)
    return [-pair.log_ratio for pair in result.pairs]


def stack_title(stack_layers: Sequence[Layer]) -> str:
    """Return the label of a stack."""
    stack = Stack.of(stack_layers)
    return stack_label(LayerRecord(layer.name, dict(layer.options)) for layer in stack.layers)


def main(names: Sequence[str]) -> None:
    """Print the gain of each comparison.

    Args:
        names: Keys of ``COMPARISONS``; all of them if empty.
    """
    for name in names or COMPARISONS:
        comparison = COMPARISONS[name]
        gains = log_gains(comparison)
        low, high = map(math.exp, mean_interval(gains) or (-math.inf, math.inf))
        text = f"{math.exp(statistics.fmean(gains)):.2f} ({low:.2f} to {high:.2f})"
        titles = " -> ".join(map(stack_title, comparison))
        sys.stdout.write(f"{name:<24} {text:<24} {titles}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
