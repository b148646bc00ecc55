"""Pairs of launches of the same code, recorded here, and comparisons drawn from them."""

from __future__ import annotations

import json
import random
import statistics
from collections import defaultdict
from pathlib import Path

import noise
from traingate.stats import round_log_ratios

UNCHANGED = Path(__file__).parent / "recorded" / "unchanged.json"
"""Step seconds of a small convolutional net and of a small transformer beside themselves, in
``--traingate-against HEAD`` on a shared 2-core machine; steps of 0.1 to 0.2 s."""


def recorded_log_ratios() -> dict[str, list[float]]:
    """By workload, the log ratio of each pair."""
    found = defaultdict(list)
    for pair in json.loads(UNCHANGED.read_text())["pairs"]:
        rounds = round_log_ratios(pair["candidate"], pair["base"], pair["steps_per_turn"])
        found[pair["workload"]].append(statistics.median(rounds))
    return dict(found)


def log_ratios(habit: str, tries: int) -> list[list[float]]:
    """Log ratios of equally fast sides: ``tries`` comparisons of twelve pairs each.

    Recorded ones are drawn from one workload for each comparison.
    """
    if habit != "recorded":
        return noise.log_ratios(noise.step_seconds(habit, tries, seed=1)).tolist()
    found = list(recorded_log_ratios().values())
    dice = random.Random(1)
    return [dice.choices(found[number % len(found)], k=noise.PAIRS) for number in range(tries)]


def true_log_ratio(habit: str, comparison: int) -> float:
    """What the intervals of that comparison should cover: with recorded pairs, their mean."""
    if habit != "recorded":
        return 0.0
    found = list(recorded_log_ratios().values())
    return statistics.fmean(found[comparison % len(found)])
