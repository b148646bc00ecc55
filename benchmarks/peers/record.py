"""Record launches of one training, as it is and slowed down: what compare.py decides on.

Run as ``python benchmarks/peers/record.py``, alone on the machine; it takes a quarter of an hour,
and writes ``recorded.json``: step times in seconds, to five digits. Variants take turns, so that
none has a part of the day to itself.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from traingate.controller.duet import duet  # noqa: E402
from traingate.controller.job import Job, LaunchPlan, Side  # noqa: E402
from traingate.controller.measure import measure  # noqa: E402
from traingate.controller.scales import SCALES  # noqa: E402
from traingate.host.hardware import hardware  # noqa: E402
from traingate.layers.slowdown import InjectedSlowdown  # noqa: E402
from traingate.layers.stack import Stack  # noqa: E402
from traingate.records import Launch, Pair  # noqa: E402
from traingate.report.progress import Silence  # noqa: E402
from traingate.workload import name_of  # noqa: E402
from workloads.resnet import resnet  # noqa: E402

RECORDED = HERE / "recorded.json"
SLOWDOWNS = (0, 5, 10, 20)
TURNS = 2
LAUNCHES = 4
PAIRS = 3
STEPS = 30


def main() -> None:
    """Record turn after turn, and write after each: an interruption costs one turn."""
    solos: dict[str, list[object]] = {str(percent): [] for percent in SLOWDOWNS}
    pairs: dict[str, list[object]] = {str(percent): [] for percent in SLOWDOWNS}
    seconds = {"launch": 0.0, "pair": 0.0}
    with tempfile.TemporaryDirectory() as cache:
        plain = Job(
            workload=name_of(resnet, "workload"),
            identity="workloads/resnet.py::resnet",
            stack=Stack(),
            scale=replace(SCALES["smoke"], steps=STEPS),
            launches=LaunchPlan(LAUNCHES, LAUNCHES),
            compile_cache=Path(cache),
            import_paths=(str(HERE.parent),),
            work=(None, None),
            peak_rss_bytes=1 << 30,
        )
        for turn in range(TURNS):
            for percent in SLOWDOWNS:
                stack = Stack.of([InjectedSlowdown(percent)]) if percent else Stack()
                job = replace(plain, stack=stack, seed=1000 * turn)
                begun = time.monotonic()
                measured = measure(job, lambda _: True, Silence()).measurement
                solos[str(percent)] += map(_solo, measured.launches)
                between = time.monotonic()
                beside = replace(plain, duet=True, side=Side("plain"), seed=1000 * turn)
                plan = LaunchPlan(PAIRS, PAIRS)
                found = duet(replace(job, duet=True), beside, plan, lambda _: True, Silence())
                pairs[str(percent)] += map(_pair, found.pairs)
                done = turn * len(SLOWDOWNS) + SLOWDOWNS.index(percent) + 1
                seconds["launch"] += (between - begun) / LAUNCHES
                seconds["pair"] += (time.monotonic() - between) / PAIRS
                sys.stdout.write(f"{done} of {TURNS * len(SLOWDOWNS)}\n")
                sys.stdout.flush()
                content = {
                    "workload": "ResNet-18, 64 px, batch 8",
                    "machine": f"{hardware().cpu}, {hardware().cores} cores",
                    "torch": str(measured.environment["torch"]),
                    "seconds_per_launch": round(seconds["launch"] / done, 2),
                    "seconds_per_pair": round(seconds["pair"] / done, 2),
                    "launches": solos,
                    "pairs": pairs,
                }
                RECORDED.write_text(json.dumps(content, separators=(",", ":")) + "\n")


def _solo(launch: Launch) -> dict[str, object]:
    return {
        "steps": _rounded(launch.step_seconds),
        "steps_per_round": list(launch.steps_per_round),
        "gemm": _rounded(launch.gemm_seconds),
        "triad": _rounded(launch.triad_seconds),
    }


def _pair(pair: Pair) -> dict[str, object]:
    return {
        "candidate": _rounded(pair.candidate_step_seconds),
        "base": _rounded(pair.base_step_seconds),
        "steps_per_turn": pair.steps_per_turn,
        "log_ratio": round(pair.log_ratio, 6),
    }


def _rounded(seconds: tuple[float, ...]) -> list[float]:
    return [float(f"{value:.5g}") for value in seconds]


if __name__ == "__main__":
    main()
