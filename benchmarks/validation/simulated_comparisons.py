"""Simulated comparisons of code with itself, from recorded pairs or with simulated noise."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

import machine_noise
from machine_noise import Logs
from simulated_launches import noisy_launches
from slowdown_patterns import ALL_STEPS, log_factors
from traingate.gate.decision import decide_change, judge
from traingate.gate.policy import Policy, pair_policy
from traingate.gate.statistics import Change, log_factor, paired_difference
from traingate.gate.step_table import pair_log_ratios
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


@dataclass(frozen=True)
class SimulatedDuets:
    """Step times of many duets.

    Attributes:
        candidate: Logarithms of the candidate's step times, of shape
            ``[comparisons, pairs, steps]``.
        base: Logarithms of the base's step times, of the same shape.
    """

    candidate: Logs
    base: Logs

    def slowed(self, pattern: str, loss: float) -> SimulatedDuets:
        """Return these duets with a slower candidate.

        Args:
            pattern: Steps that are slower, a key of ``slowdown_patterns.PATTERNS``.
            loss: Loss of throughput, in percent.
        """
        factors = log_factors(pattern, loss, self.candidate.shape)
        return SimulatedDuets(self.candidate + factors, self.base)

    def changes(self, pairs: int, indexes: NDArray[np.int_] | None = None) -> list[Change]:
        """Return the change that the first pairs of each duet show.

        Args:
            pairs: Number of pairs.
            indexes: Indexes of the duets; None for all.
        """
        part = slice(None) if indexes is None else indexes
        ratios = pair_log_ratios(self.candidate[part, :pairs], self.base[part, :pairs])
        return [
            Change(paired_difference(repeatable), paired_difference(plain))
            for repeatable, plain in zip(*(table.tolist() for table in ratios), strict=True)
        ]


def recorded_pairs() -> dict[str, SimulatedDuets]:
    """Return the recorded pairs of each workload, as one duet."""
    pairs = json.loads(UNCHANGED.read_text())["pairs"]
    steps = min(len(pair["candidate"]) for pair in pairs)
    sides = defaultdict(list)
    for pair in pairs:
        sides[pair["workload"]].append((pair["candidate"][:steps], pair["base"][:steps]))
    return {
        workload: SimulatedDuets(*np.log(np.array(seconds)).transpose(1, 0, 2)[:, None])
        for workload, seconds in sides.items()
    }


def unchanged_duets(noise: str, comparisons: int) -> SimulatedDuets:
    """Return duets of equally fast sides.

    Args:
        noise: Kind of noise, a key of ``machine_noise.NOISE_MODELS``, or ``RECORDED``.
        comparisons: Number of comparisons, with ``machine_noise.PAIRS`` pairs each. With
            ``RECORDED``, the pairs of a comparison are drawn from one workload; the workloads
            alternate.
    """
    if noise != RECORDED:
        return SimulatedDuets(*machine_noise.log_step_seconds(noise, comparisons, seed=1))
    generator = np.random.default_rng(1)
    workloads = list(recorded_pairs().values())
    draws = []
    for number in range(comparisons):
        pairs = workloads[number % len(workloads)]
        chosen = generator.integers(0, pairs.candidate.shape[1], machine_noise.PAIRS)
        draws.append((pairs.candidate[0, chosen], pairs.base[0, chosen]))
    return SimulatedDuets(*np.array(draws).transpose(1, 0, 2, 3))


def true_log_ratios(noise: str, comparisons: int) -> list[float]:
    """Return the true log ratio of each comparison, which its interval should cover.

    Args:
        noise: Kind of noise, as for ``unchanged_duets``.
        comparisons: Number of comparisons.

    Returns:
        Zeros for simulated pairs; for recorded pairs, the mean log ratio of each workload.
    """
    if noise != RECORDED:
        return [0.0] * comparisons
    means = [
        duets.changes(duets.candidate.shape[1])[0].repeatable.value
        for duets in recorded_pairs().values()
    ]
    return [means[number % len(means)] for number in range(comparisons)]


def covered_share(duets: SimulatedDuets, truths: Sequence[float], pairs: int) -> float:
    """Return the share of comparisons whose 95 % interval covers the true log ratio.

    Args:
        duets: Step times of the comparisons.
        truths: True log ratio of each comparison.
        pairs: Number of pairs of each comparison that are used.
    """
    changes = [change.repeatable for change in duets.changes(pairs)]
    return statistics.fmean(
        change.lower(0.025) <= truth <= change.upper(0.025)
        for change, truth in zip(changes, truths, strict=True)
    )


def decide(duets: SimulatedDuets, policy: Policy) -> list[Decision]:
    """Return the decision of each duet.

    Args:
        duets: Step times of the duets, with as many pairs as the last look takes.
        policy: Tolerance and number of pairs.
    """
    undecided = Decision(Outcome.INCONCLUSIVE, policy.maximum)
    decisions = [undecided] * len(duets.candidate)
    active = np.arange(len(decisions))
    for look in policy.looks:
        if not active.size:
            break
        changes = duets.changes(look, active)
        outcomes = [decide_change(change, Method.STEPS, look, policy) for change in changes]
        for index, outcome in zip(active.tolist(), outcomes, strict=True):
            decisions[index] = Decision(outcome, look)
        active = active[[outcome is Outcome.INCONCLUSIVE for outcome in outcomes]]
    return decisions


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
        noise: Kind of noise during the duets, as for ``unchanged_duets``.
    """
    generator = random.Random(7)  # noqa: S311 - simulations need repeatable numbers, not secrets
    screen_policy = Policy(0.05, first_look=3, maximum=8)
    duet_policy = pair_policy(5.0, machine_noise.PAIRS)
    new_seconds = 0.1 * math.exp(log_factor(loss))
    duets = unchanged_duets(noise, comparisons).slowed(ALL_STEPS, loss)
    for number, decision in enumerate(decide(duets, duet_policy)):
        stored_seconds = 0.1 * math.exp(generator.gauss(0, bias))
        stored = noisy_launches(3, stored_seconds, spread, number)
        new = noisy_launches(3, new_seconds, spread, number + 10**6)
        outcome = judge(stored, new, _BATCH_SIZE, screen_policy).outcome
        if outcome in {Outcome.PASSED, Outcome.IMPROVED}:
            yield ScreenedOutcome(outcome, by_screen=True)
        else:
            yield ScreenedOutcome(decision.outcome, by_screen=False)
