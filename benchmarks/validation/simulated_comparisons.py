"""Simulated comparisons of code with itself, drawn from recorded pairs and from machine habits."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import machine_habits
from simulated_launches import noisy_launches
from traingate.gate.decision import first_decision, judge
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import log_factor, pair_log_ratio, paired_difference
from traingate.records import Launch, Method, Outcome

UNCHANGED: Final = Path(__file__).parent / "recorded" / "unchanged.json"
"""Step seconds of a small convolutional net and of a small transformer, each in duets with itself
(``--traingate-against HEAD``) on a shared 2-core machine; a step takes 0.1 to 0.2 s."""

RECORDED: Final = "recorded"
"""Name, beside those of ``machine_habits.HABITS``, of comparisons drawn from ``UNCHANGED``."""

_BATCH_SIZE: Final = 32
"""Samples per step; outcomes do not depend on it."""


class Decision(NamedTuple):
    """Outcome of a simulated duet.

    Attributes:
        outcome: Outcome at the first look that decides.
        pairs: Number of pairs taken by then.
    """

    outcome: Outcome
    pairs: int


class ScreenedOutcome(NamedTuple):
    """Outcome of a simulated comparison with stored launches, and with a duet if these do not pass.

    Attributes:
        outcome: Outcome of the comparison.
        by_screen: Whether the stored launches alone decided it.
    """

    outcome: Outcome
    by_screen: bool


def recorded_log_ratios() -> dict[str, list[float]]:
    """Return the log ratio of each recorded pair, by workload."""
    log_ratios = defaultdict(list)
    for pair in json.loads(UNCHANGED.read_text())["pairs"]:
        log_ratio = pair_log_ratio(pair["candidate"], pair["base"], pair["steps_per_turn"])
        log_ratios[pair["workload"]].append(log_ratio)
    return dict(log_ratios)


def comparison_log_ratios(habit: str, comparisons: int) -> list[list[float]]:
    """Return the log ratios of the pairs of each comparison of equally fast sides.

    Args:
        habit: A key of ``machine_habits.HABITS``, or ``RECORDED``.
        comparisons: Number of comparisons, of ``machine_habits.PAIRS`` pairs each. Each recorded
            comparison is drawn from one workload; the workloads take turns.
    """
    if habit != RECORDED:
        seconds = machine_habits.step_seconds(habit, comparisons, seed=1)
        simulated: list[list[float]] = machine_habits.pair_log_ratios(seconds).tolist()
        return simulated
    workloads = list(recorded_log_ratios().values())
    generator = random.Random(1)  # noqa: S311 - simulations need repeatable numbers, not secrets
    return [
        generator.choices(workloads[number % len(workloads)], k=machine_habits.PAIRS)
        for number in range(comparisons)
    ]


def true_log_ratios(habit: str, comparisons: int) -> list[float]:
    """Return the true log ratio of each comparison, which its interval should cover.

    Args:
        habit: As in ``comparison_log_ratios``.
        comparisons: Number of comparisons.

    Returns:
        0 for simulated pairs; for recorded pairs, the mean of the workload's pairs.
    """
    if habit != RECORDED:
        return [0.0] * comparisons
    means = [statistics.fmean(log_ratios) for log_ratios in recorded_log_ratios().values()]
    return [means[number % len(means)] for number in range(comparisons)]


def covered_share(
    comparisons: Sequence[Sequence[float]], truths: Sequence[float], pairs: int
) -> float:
    """Return the share of comparisons whose 95 % interval covers the true log ratio.

    Args:
        comparisons: Log ratios of the pairs of each comparison.
        truths: True log ratio of each comparison.
        pairs: Number of pairs to take of each comparison.
    """
    changes = [paired_difference(log_ratios[:pairs]) for log_ratios in comparisons]
    return statistics.fmean(
        change.lower(0.025) <= truth <= change.upper(0.025)
        for change, truth in zip(changes, truths, strict=True)
    )


def decide_by_duet(log_ratios: Sequence[float], loss: float, policy: Policy) -> Decision:
    """Return the decision of a duet whose candidate is slower than in these pairs.

    Args:
        log_ratios: Log ratios of at least ``policy.maximum`` pairs of equally fast sides.
        loss: Loss of the candidate's throughput, in percent.
        policy: Tolerance and number of pairs.
    """
    shift = log_factor(loss)
    shifted = [log_ratio + shift for log_ratio in log_ratios]
    return Decision(*first_decision(shifted, Method.STEPS, policy))


def decide_by_launches(stored: Sequence[Launch], new: Sequence[Launch], policy: Policy) -> Outcome:
    """Return the outcome of new launches beside stored ones, at the first look that decides.

    Args:
        stored: Launches of the baseline.
        new: New launches, as many as the last look takes.
        policy: Tolerance and number of launches.
    """
    outcomes = (judge(stored, new[:look], _BATCH_SIZE, policy).outcome for look in policy.looks)
    undecided = Outcome.INCONCLUSIVE
    return next((outcome for outcome in outcomes if outcome is not undecided), undecided)


def screened_outcomes(
    comparisons: int, spread: float, bias: float, loss: float, habit: str = "quiet"
) -> Iterator[ScreenedOutcome]:
    """Yield outcomes of comparisons with three stored launches, by a duet where these do not pass.

    Args:
        comparisons: Number of comparisons.
        spread: Standard deviation of the log of a launch's level beside the yardstick.
        bias: Standard deviation of the log of the factor by which the yardstick's bias changes
            between saving and comparing; one random number for each comparison.
        loss: Loss of throughput, in percent.
        habit: Habit of the machine during the duets, as in ``comparison_log_ratios``.
    """
    generator = random.Random(7)  # noqa: S311 - simulations need repeatable numbers, not secrets
    screen_policy = Policy(0.05, first_look=3, maximum=8)
    duet_policy = pair_policy(5.0, machine_habits.PAIRS)
    new_seconds = 0.1 * math.exp(log_factor(loss))
    for number, log_ratios in enumerate(comparison_log_ratios(habit, comparisons)):
        stored_seconds = 0.1 * math.exp(generator.gauss(0, bias))
        stored = noisy_launches(3, stored_seconds, spread, number)
        new = noisy_launches(3, new_seconds, spread, number + 10**6)
        outcome = judge(stored, new, _BATCH_SIZE, screen_policy).outcome
        if outcome in {Outcome.PASSED, Outcome.IMPROVED}:
            yield ScreenedOutcome(outcome, by_screen=True)
        else:
            decision = decide_by_duet(log_ratios, loss, duet_policy)
            yield ScreenedOutcome(decision.outcome, by_screen=False)
