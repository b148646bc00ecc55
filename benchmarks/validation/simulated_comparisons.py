"""Simulated comparisons of code with itself, from recorded pairs or with simulated noise."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import machine_noise
from simulated_launches import noisy_launches
from traingate.gate.decision import first_decision, judge
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import log_factor, pair_log_ratio, paired_difference
from traingate.records import Launch, Method, Outcome

UNCHANGED: Final = Path(__file__).parent / "recorded" / "unchanged.json"
"""Step seconds of a small convolutional net and of a small transformer, each measured in duets with
itself (``--traingate-against HEAD``) on a shared 2-core machine; a step takes 0.1 to 0.2 s."""

RECORDED: Final = "recorded"
"""Name of comparisons drawn from ``UNCHANGED``, in addition to ``machine_noise.NOISE_MODELS``."""

_BATCH_SIZE: Final = 32
"""Samples per step, on which outcomes do not depend."""


class Decision(NamedTuple):
    """Outcome of a simulated duet.

    Attributes:
        outcome: Outcome at the first look that decides.
        pairs: Number of pairs that this look uses.
    """

    outcome: Outcome
    pairs: int


class ScreenedOutcome(NamedTuple):
    """Outcome of a simulated comparison with stored launches, and with a duet if these do not pass.

    Attributes:
        outcome: Outcome of the comparison.
        by_screen: True if the stored launches alone decided.
    """

    outcome: Outcome
    by_screen: bool


def recorded_log_ratios() -> dict[str, list[float]]:
    """Return the log ratios of the recorded pairs, keyed by workload."""
    log_ratios = defaultdict(list)
    for pair in json.loads(UNCHANGED.read_text())["pairs"]:
        log_ratio = pair_log_ratio(pair["candidate"], pair["base"], pair["steps_per_turn"])
        log_ratios[pair["workload"]].append(log_ratio)
    return dict(log_ratios)


def comparison_log_ratios(noise: str, comparisons: int) -> list[list[float]]:
    """Return the log ratios of the pairs of each comparison of equally fast sides.

    Args:
        noise: Kind of noise, a key of ``machine_noise.NOISE_MODELS``, or ``RECORDED``.
        comparisons: Number of comparisons, with ``machine_noise.PAIRS`` pairs each. With
            ``RECORDED``, the pairs of a comparison are drawn from one workload; the workloads
            alternate.
    """
    if noise != RECORDED:
        seconds = machine_noise.step_seconds(noise, comparisons, seed=1)
        simulated: list[list[float]] = machine_noise.pair_log_ratios(seconds).tolist()
        return simulated
    workloads = list(recorded_log_ratios().values())
    generator = random.Random(1)  # noqa: S311 - simulations need repeatable numbers, not secrets
    return [
        generator.choices(workloads[number % len(workloads)], k=machine_noise.PAIRS)
        for number in range(comparisons)
    ]


def true_log_ratios(noise: str, comparisons: int) -> list[float]:
    """Return the true log ratio of each comparison, which its interval should cover.

    Args:
        noise: Kind of noise, as for ``comparison_log_ratios``.
        comparisons: Number of comparisons.

    Returns:
        Zeros for simulated pairs; for recorded pairs, the mean log ratio of each workload.
    """
    if noise != RECORDED:
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
        pairs: Number of pairs of each comparison that are used.
    """
    changes = [paired_difference(log_ratios[:pairs]) for log_ratios in comparisons]
    return statistics.fmean(
        change.lower(0.025) <= truth <= change.upper(0.025)
        for change, truth in zip(changes, truths, strict=True)
    )


def decide_by_duet(log_ratios: Sequence[float], loss: float, policy: Policy) -> Decision:
    """Return the decision of a duet like these pairs, but with a slower candidate.

    Args:
        log_ratios: Log ratios of at least ``policy.maximum`` pairs of equally fast sides.
        loss: Loss of the candidate's throughput, in percent.
        policy: Tolerance and number of pairs.
    """
    shift = log_factor(loss)
    shifted = [log_ratio + shift for log_ratio in log_ratios]
    return Decision(*first_decision(shifted, Method.STEPS, policy))


def decide_by_launches(stored: Sequence[Launch], new: Sequence[Launch], policy: Policy) -> Outcome:
    """Return the outcome of new launches compared with stored ones, at the first look that decides.

    Args:
        stored: Launches of the baseline.
        new: New launches, as many as the last look uses.
        policy: Tolerance and number of launches.
    """
    outcomes = (judge(stored, new[:look], _BATCH_SIZE, policy).outcome for look in policy.looks)
    undecided = Outcome.INCONCLUSIVE
    return next((outcome for outcome in outcomes if outcome is not undecided), undecided)


def screened_outcomes(
    comparisons: int, spread: float, bias: float, loss: float, noise: str = "quiet"
) -> Iterator[ScreenedOutcome]:
    """Yield outcomes of comparisons with three stored launches, then a duet if these do not pass.

    Args:
        comparisons: Number of comparisons.
        spread: Standard deviation of the log of a launch's level relative to the yardstick.
        bias: Standard deviation of the log of the factor by which the yardstick's bias changes
            between saving and comparing, which is drawn once for each comparison.
        loss: Loss of throughput, in percent.
        noise: Kind of noise during the duets, as for ``comparison_log_ratios``.
    """
    generator = random.Random(7)  # noqa: S311 - simulations need repeatable numbers, not secrets
    screen_policy = Policy(0.05, first_look=3, maximum=8)
    duet_policy = pair_policy(5.0, machine_noise.PAIRS)
    new_seconds = 0.1 * math.exp(log_factor(loss))
    for number, log_ratios in enumerate(comparison_log_ratios(noise, comparisons)):
        stored_seconds = 0.1 * math.exp(generator.gauss(0, bias))
        stored = noisy_launches(3, stored_seconds, spread, number)
        new = noisy_launches(3, new_seconds, spread, number + 10**6)
        outcome = judge(stored, new, _BATCH_SIZE, screen_policy).outcome
        if outcome in {Outcome.PASSED, Outcome.IMPROVED}:
            yield ScreenedOutcome(outcome, by_screen=True)
        else:
            decision = decide_by_duet(log_ratios, loss, duet_policy)
            yield ScreenedOutcome(decision.outcome, by_screen=False)
