"""Comparisons drawn from recorded pairs of the same code, and made up by ``noise``."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import noise
from launches import noisy
from traingate.gate.decision import first_decision, judge
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import log_factor, round_log_ratios
from traingate.records import Launch, Method, Outcome

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


def first_decision_of_launches(
    stored: Sequence[Launch], new: Sequence[Launch], policy: Policy
) -> Outcome:
    """What stored launches come to beside new ones, at the first look that decides."""
    outcomes = (judge(stored, new[:look], 32, policy).outcome for look in policy.looks)
    undecided = Outcome.INCONCLUSIVE
    return next((outcome for outcome in outcomes if outcome is not undecided), undecided)


class End(NamedTuple):
    """How a comparison with stored launches ended, and whether the screen ended it."""

    outcome: Outcome
    screened: bool


def screened_and_settled(
    tries: int, spread: float, bias: float, loss: float, habit: str = "quiet"
) -> Iterator[End]:
    """Comparisons that three stored launches screen, and a duet settles where these do not pass.

    Args:
        tries: how many.
        spread: of launches beside the yardstick, a standard deviation of the log.
        bias: of the hours of one comparison between saving and comparing, likewise.
        loss: of throughput, in percent.
        habit: of the machine during the duets.
    """
    dice = random.Random(7)
    screen, duet = Policy(0.05, first_look=3, most=8), pair_policy(5.0, noise.PAIRS)
    slower = log_factor(loss)
    for number, ratios in enumerate(log_ratios(habit, tries)):
        stored = noisy(3, 0.1 * math.exp(dice.gauss(0, bias)), spread, number)
        new = noisy(3, 0.1 * math.exp(slower), spread, number + 10**6)
        outcome = judge(stored, new, 32, screen).outcome
        if outcome in {Outcome.PASSED, Outcome.IMPROVED}:
            yield End(outcome, screened=True)
        else:
            shifted = [ratio + slower for ratio in ratios]
            yield End(first_decision(shifted, Method.STEPS, duet)[0], screened=False)
