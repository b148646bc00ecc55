"""Made-up launches and records for tests of what is decided, not of what is measured."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec

from traingate.records import Hardware, Launch, LayerRecord, Measurement

HARDWARE = Hardware(
    cpu="Test CPU (6/207/2)",
    architecture="x86_64",
    cores=2,
    numa_nodes=1,
    instruction_sets=("avx2", "avx512f"),
    memory_bytes=24 << 30,
)


def launch(
    step_seconds: Sequence[float], *, machine: float = 1.0, rounds: int | None = None
) -> Launch:
    """A launch of these steps, one a round, on a machine ``machine`` times as slow."""
    steps = [step * machine for step in step_seconds]
    count = rounds or len(steps)
    sizes = [len(steps) // count] * count
    sizes[-1] += len(steps) - sum(sizes)
    return Launch(
        step_seconds=tuple(steps),
        data_seconds=tuple(0.0 for _ in steps),
        steps_per_round=tuple(sizes),
        gemm_seconds=(0.012 * machine,) * (count + 1),
        triad_seconds=(0.004 * machine,) * (count + 1),
        yardstick_seconds=(0.016 * machine,) * (count + 1),
        first_step_seconds=0.5,
        setup_seconds=1.0,
        peak_rss_bytes=1 << 30,
        minor_page_faults_per_step=3.0,
        counters={"threads": 2},
    )


def noisy(count: int, seconds: float, spread: float, seed: int) -> list[Launch]:
    """``count`` launches whose level scatters by ``spread`` (standard deviation of the log)."""
    dice = random.Random(seed)
    return [launch([seconds * math.exp(dice.gauss(0, spread))] * 5) for _ in range(count)]


def measurement(launches: Sequence[Launch], **changes: Any) -> Measurement:
    """A record of ``launches``; any field of it may be given."""
    whole = Measurement(
        workload="bench.py::tiny",
        stack=(LayerRecord("channels_last", {"scope": "input"}),),
        scale="quick",
        batch_size=32,
        launches=tuple(launches),
        samples_per_second=320.0,
        samples_per_second_interval=(300.0, 340.0),
        flops_per_sample=1e6,
        roofline_flops_per_second=1.8e11,
        roofline_share=0.1,
        counters={},
        machine=HARDWARE,
        environment={"python": "3.11.7"},
    )
    return msgspec.structs.replace(whole, **changes)
