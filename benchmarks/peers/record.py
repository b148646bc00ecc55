"""Record launches and duets of one training, unchanged and with slowdowns, for compare.py.

Run it as ``python benchmarks/peers/record.py`` while nothing else runs on the machine. It takes
about 20 minutes, and writes step times in seconds, to five digits, into recorded.json in its own
folder. The slowdowns are measured in turn, so that a change of the machine's speed during the
time affects all of them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from traingate.controller.duet import measure_duet
from traingate.controller.job import Job, LaunchPlan, Side
from traingate.controller.measure import measure
from traingate.controller.scales import SCALES
from traingate.host.hardware import hardware
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.records import Launch, Measurement, Pair
from traingate.report.progress import NoProgress
from traingate.workload import ObjectName

HERE: Final = Path(__file__).resolve().parent
BENCHMARKS: Final = HERE.parent
RECORDED: Final = HERE / "recorded.json"
RESNET: Final = ObjectName(
    file=str(BENCHMARKS / "workloads" / "resnet.py"), module="workloads.resnet", qualname="resnet"
)
SLOWDOWNS: Final[Mapping[str, InjectedSlowdown | None]] = {
    "unchanged": None,
    "5 %": InjectedSlowdown(5),
    "10 %": InjectedSlowdown(10),
    "20 %": InjectedSlowdown(20),
    "10 % in every 5th step": InjectedSlowdown(10, every=5),
    "10 % in every 20th step": InjectedSlowdown(10, every=20),
}
"""Injected losses of throughput, by their names in the recording."""

TURNS: Final = 2
LAUNCHES: Final = 4
"""Launches of each slowdown in a turn."""

PAIRS: Final = 3
"""Pairs of each slowdown in a turn."""

STEPS: Final = 40


class Variant(NamedTuple):
    """Measurements of one slowdown in one turn.

    Attributes:
        slowdown: Key of ``SLOWDOWNS``.
        measurement: Measurement of the training alone.
        pairs: Pairs of a duet with the training without a slowdown.
        seconds_per_launch: Mean time that a launch of ``measurement`` took, in seconds.
        seconds_per_pair: Mean time that a pair took, in seconds.
    """

    slowdown: str
    measurement: Measurement
    pairs: tuple[Pair, ...]
    seconds_per_launch: float
    seconds_per_pair: float


def plain_job(compile_cache: Path) -> Job:
    """Return the job of the training without a slowdown."""
    return Job(
        workload=RESNET,
        identity="workloads/resnet.py::resnet",
        stack=Stack(),
        scale=replace(SCALES["smoke"], steps=STEPS),
        launches=LaunchPlan(LAUNCHES, LAUNCHES),
        compile_cache=compile_cache,
        import_paths=(str(BENCHMARKS),),
        work=messages.WorkCounted(None, None),
        peak_rss_bytes=1 << 30,
    )


def measure_variant(plain: Job, slowdown: str) -> Variant:
    """Measure launches with a slowdown, then a duet with the training without it.

    Args:
        plain: Job of the training without a slowdown.
        slowdown: Key of ``SLOWDOWNS``.
    """
    layer = SLOWDOWNS[slowdown]
    stack = Stack.of([layer] if layer else [])
    job = replace(plain, stack=stack)
    launches_start = time.monotonic()
    measurement = measure(job, lambda _: True, NoProgress()).measurement
    duet_start = time.monotonic()
    base = replace(plain, is_duet_side=True, side=Side("plain"))
    plan = LaunchPlan(PAIRS, PAIRS)
    duet = measure_duet(
        replace(job, is_duet_side=True), base, plan, lambda _: True, NoProgress(), by_steps=True
    )
    return Variant(
        slowdown,
        measurement,
        tuple(duet.pairs),
        seconds_per_launch=(duet_start - launches_start) / LAUNCHES,
        seconds_per_pair=(time.monotonic() - duet_start) / PAIRS,
    )


def variants(compile_cache: Path) -> Iterator[Variant]:
    """Yield the measurements of each slowdown in each turn, as soon as they are taken."""
    plain = plain_job(compile_cache)
    for _ in range(TURNS):
        for slowdown in SLOWDOWNS:
            yield measure_variant(plain, slowdown)


def recording(results: list[Variant]) -> dict[str, Any]:
    """Return the content of recorded.json.

    Args:
        results: Measurements so far, at least one.
    """
    launches: dict[str, list[dict[str, Any]]] = {slowdown: [] for slowdown in SLOWDOWNS}
    pairs: dict[str, list[dict[str, Any]]] = {slowdown: [] for slowdown in SLOWDOWNS}
    for variant in results:
        launches[variant.slowdown] += map(_launch_content, variant.measurement.launches)
        pairs[variant.slowdown] += map(_pair_content, variant.pairs)
    launch_seconds = sum(variant.seconds_per_launch for variant in results) / len(results)
    pair_seconds = sum(variant.seconds_per_pair for variant in results) / len(results)
    return {
        "workload": "ResNet-18, 64 px, batch 8",
        "machine": f"{hardware().cpu}, {hardware().cores} cores",
        "torch": str(results[-1].measurement.environment["torch"]),
        "seconds_per_launch": round(launch_seconds, 2),
        "seconds_per_pair": round(pair_seconds, 2),
        "launches": launches,
        "pairs": pairs,
    }


def _launch_content(launch: Launch) -> dict[str, Any]:
    """Return the JSON of a launch."""
    return {
        "steps": _rounded(launch.step_seconds),
        "steps_per_round": list(launch.steps_per_round),
        "gemm": _rounded(launch.gemm_seconds),
        "triad": _rounded(launch.triad_seconds),
    }


def _pair_content(pair: Pair) -> dict[str, Any]:
    """Return the JSON of a pair."""
    return {
        "candidate": _rounded(pair.candidate_step_seconds),
        "base": _rounded(pair.base_step_seconds),
        "steps_per_turn": pair.steps_per_turn,
    }


def _rounded(seconds: tuple[float, ...]) -> list[float]:
    """Return times to five digits."""
    return [float(f"{value:.5g}") for value in seconds]


def main() -> None:
    """Write the recording after each slowdown, so that an interruption loses at most one."""
    results = []
    with tempfile.TemporaryDirectory() as directory:
        for variant in variants(Path(directory)):
            results.append(variant)
            content = json.dumps(recording(results), separators=(",", ":"))
            RECORDED.write_text(content + "\n")
            sys.stdout.write(f"{len(results)} of {TURNS * len(SLOWDOWNS)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
