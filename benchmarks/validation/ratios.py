"""Measure the gains of docs/evidence/layers.md with pairs of workers that step in turn.

Run as ``python benchmarks/validation/ratios.py [NAME ...]``, with nothing else running. Each pair
gives one number, the median over rounds A B B A of log(without / with the layer). The interval is
Student's t between pairs of fresh processes.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCHMARKS))

from traingate import layers  # noqa: E402
from traingate.controller.duet import duet  # noqa: E402
from traingate.controller.job import Job, LaunchPlan, Side  # noqa: E402
from traingate.controller.scales import SCALES  # noqa: E402
from traingate.gate.statistics import mean_interval  # noqa: E402
from traingate.layers.base import Layer  # noqa: E402
from traingate.layers.stack import Stack, label  # noqa: E402
from traingate.report.progress import Silence  # noqa: E402
from traingate.workload import name_of  # noqa: E402
from workloads.resnet import resnet  # noqa: E402

PAIRS = 4
STEPS = 8

BATCH = layers.BatchSize(4)
FP32 = (BATCH, layers.ChannelsLast())
BF16 = (BATCH, layers.ChannelsLast(), layers.Bf16Autocast())
Stacks = tuple[Sequence[Layer], Sequence[Layer]]
COMPARISONS: dict[str, Stacks] = {
    "channels_last": ((BATCH,), FP32),
    "tuned_runtime": (FP32, (*FP32, layers.TunedRuntime("tcmalloc", "intel"))),
    "tuned_runtime_glibc": (FP32, (*FP32, layers.TunedRuntime("glibc", "gnu"))),
    "tuned_runtime_jemalloc": (FP32, (*FP32, layers.TunedRuntime("jemalloc", "intel"))),
    "bf16_autocast": (FP32, BF16),
    "ipex_optimize": (FP32, (*FP32, layers.IpexOptimize())),
    "ipex_optimize_bf16": (BF16, (*BF16, layers.IpexOptimize())),
    "fused_optimizer": (FP32, (*FP32, layers.FusedOptimizer())),
    "flush_denormal": (FP32, (*FP32, layers.FlushDenormal())),
    "float32_precision": (FP32, (*FP32, layers.Float32Precision())),
    "data_workers": ((BATCH,), (BATCH, layers.DataWorkers())),
    "prefetching_loader": ((BATCH,), (BATCH, layers.PrefetchingLoader())),
    "torch_compile": ((BATCH,), (BATCH, layers.TorchCompile())),
    "torch_compile_ipex": ((BATCH,), (BATCH, layers.TorchCompile("ipex"))),
    "compiled_step": ((BATCH,), (BATCH, layers.CompiledStep())),
    "xla_device": ((BATCH,), (BATCH, layers.XlaDevice())),
    "data_parallel": (
        (layers.BatchSize(8),),
        (BATCH, layers.DataParallel("torchrun", 2)),
    ),
}


def log_gains(stacks: Stacks, caches: Path) -> list[float]:
    """Per pair of fresh workers, log of how many times as fast the second stack is."""
    without, with_layer = (
        Job(
            workload=name_of(resnet, "workload"),
            identity="workloads/resnet.py::resnet",
            stack=Stack.of(given),
            scale=SCALES["quick"],
            launches=LaunchPlan(PAIRS, PAIRS),
            compile_cache=caches / str(number),
            import_paths=(str(BENCHMARKS),),
            steps=STEPS,
            steady="threads",
            work=(None, None),
        )
        for number, given in enumerate(stacks)
    )
    beside = replace(without, side=Side("without the layer"))
    plan = LaunchPlan(PAIRS, PAIRS)
    result = duet(with_layer, beside, plan, lambda _: True, Silence(), by_steps=True)
    return [-pair.log_ratio for pair in result.pairs]


def main(names: Sequence[str]) -> None:
    """Print one line for each comparison."""
    for name in names or COMPARISONS:
        stacks = COMPARISONS[name]
        with tempfile.TemporaryDirectory() as directory:
            gains = log_gains(stacks, Path(directory))
        low, high = map(math.exp, mean_interval(gains) or (-math.inf, math.inf))
        text = f"{math.exp(statistics.fmean(gains)):.2f} ({low:.2f} to {high:.2f})"
        titles = " -> ".join(label(_described(given)) for given in stacks)
        sys.stdout.write(f"{name:<24} {text:<24} {titles}\n")
        sys.stdout.flush()


def _described(given: Sequence[Layer]) -> list[dict[str, object]]:
    return [{"name": item.name, "options": dict(item.options)} for item in Stack.of(given).layers]


if __name__ == "__main__":
    main(sys.argv[1:])
