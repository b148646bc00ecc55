"""Simulated launches, with which decisions are tested and validated without measurements."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from traingate.records import Launch


def launch(
    step_seconds: Sequence[float], *, machine: float = 1.0, rounds: int | None = None
) -> Launch:
    """Return a launch with the given step times.

    Args:
        step_seconds: Time of each step on a machine of factor 1, in seconds.
        machine: Factor by which the machine is slower, in steps and yardstick equally.
        rounds: Number of rounds; None for one step per round.
    """
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


def noisy_launches(
    count: int, seconds: float, spread: float, seed: int, steps: int = 5
) -> list[Launch]:
    """Return launches whose levels scatter normally on the log scale.

    Args:
        count: Number of launches.
        seconds: Median over launches of the time of a step, in seconds.
        spread: Standard deviation of the log of a launch's level.
        seed: Seed of the random numbers.
        steps: Number of steps of each launch.
    """
    generator = random.Random(seed)  # noqa: S311 - simulations need repeatable numbers, not secrets
    return [launch([seconds * math.exp(generator.gauss(0, spread))] * steps) for _ in range(count)]
