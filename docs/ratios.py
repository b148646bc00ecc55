"""The gains in docs/layers.md: pairs of workers that step in turn, so that both meet one machine.

Run as ``python docs/ratios.py [NAME ...]``, alone on the machine. Of each pair one number counts,
the median over rounds A B B A of log(without / with the layer); the interval is Student's t
between pairs of fresh processes.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from traingate import layers, wire  # noqa: E402
from traingate.controller.child import Child  # noqa: E402
from traingate.controller.quiet import wait_until_quiet  # noqa: E402
from traingate.launch import training_command  # noqa: E402
from traingate.layer import Layer  # noqa: E402
from traingate.stack import Stack, label  # noqa: E402
from traingate.stats import mean_interval  # noqa: E402
from traingate.values import plain  # noqa: E402
from traingate.workload import name_of  # noqa: E402
from workloads.resnet import resnet  # noqa: E402

PAIRS = 4
ROUNDS = 4
SECONDS = 1200.0

BATCH = layers.BatchSize(4)
FP32 = (BATCH, layers.ChannelsLast())
BF16 = (BATCH, layers.ChannelsLast(), layers.Bf16Autocast())
Pair = tuple[Sequence[Layer], Sequence[Layer]]
COMPARISONS: dict[str, Pair] = {
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


class Side:
    """One of two workers, ready to step."""

    def __init__(self, given: Sequence[Layer], cache: Path, until: ExitStack) -> None:
        stack = Stack.of(given)
        self._worker = Child(training_command(stack, "threads", cache), "a side", SECONDS)
        until.enter_context(self._worker)
        self._stack = stack

    def prepare(self) -> None:
        """Build the training, and step until nothing is compiled any more."""
        self._worker.greet()
        name = plain(vars(name_of(resnet, "workload")))
        self._worker.ask(
            wire.Prepare(name, self._stack.factories(), [str(BENCHMARKS)], "quick", 0),
            wire.Prepared,
            SECONDS,
            "building",
        )
        compiled, warm = True, 0
        while compiled or warm < 2:  # noqa: PLR2004 - the first step is never like the others
            answers = self._worker.ask(wire.WarmUp(), wire.WarmedUp, SECONDS, "warming up")
            compiled, warm = any(answer.compiled for answer in answers), warm + 1

    def step(self) -> float:
        """Seconds of one step, after which this side sleeps."""
        answers = self._worker.ask(wire.Step(1), wire.Stepped, SECONDS, "stepping")
        wait_until_quiet(self._worker.pid)
        return max(answer.step_seconds for answer in answers)


def log_gain(pair: Pair, caches: tuple[Path, Path]) -> float:
    """Median log(without / with) of one pair of fresh workers."""
    with ExitStack() as until:
        without, with_layer = (
            Side(given, cache, until) for given, cache in zip(pair, caches, strict=True)
        )
        for side in (without, with_layer):
            side.prepare()
        logs = []
        for _ in range(ROUNDS):
            a, b, c, d = without.step(), with_layer.step(), with_layer.step(), without.step()
            logs.append(math.log(a * d / (b * c)) / 2)
    return statistics.median(logs)


def main(names: Sequence[str]) -> None:
    """Print one line for each comparison."""
    for name in names or COMPARISONS:
        pair = COMPARISONS[name]
        with tempfile.TemporaryDirectory() as directory:
            caches = (Path(directory) / "without", Path(directory) / "with")
            gains = [log_gain(pair, caches) for _ in range(PAIRS)]
        low, high = map(math.exp, mean_interval(gains) or (-math.inf, math.inf))
        text = f"{math.exp(statistics.fmean(gains)):.2f} ({low:.2f} to {high:.2f})"
        stacks = " -> ".join(label(_described(given)) for given in pair)
        sys.stdout.write(f"{name:<24} {text:<24} {stacks}\n")
        sys.stdout.flush()


def _described(given: Sequence[Layer]) -> list[dict[str, object]]:
    return [{"name": item.name, "options": dict(item.options)} for item in Stack.of(given).layers]


if __name__ == "__main__":
    main(sys.argv[1:])
