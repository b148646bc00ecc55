"""Test the error rates that the gate promises, by recorded step times and by simulated ones."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

import machine_noise
import simulated_comparisons
from simulated_comparisons import Decision, decide, screened_outcomes
from slowdown_patterns import ALL_STEPS, PATTERNS, SCATTERED
from traingate.gate.policy import pair_policy
from traingate.gate.reduction import plain_log_ratio
from traingate.gate.statistics import log_factor, paired_difference
from traingate.records import Outcome

SLOWED = Path(__file__).parents[2] / "benchmarks" / "peers" / "recorded.json"
POLICY = pair_policy(5.0, machine_noise.PAIRS)
ALL_NOISE = pytest.mark.parametrize(
    "noise", [*machine_noise.NOISE_MODELS, simulated_comparisons.RECORDED]
)
REPEATED_PATTERNS = [pattern for pattern in PATTERNS if pattern != SCATTERED]
# Recorded pairs have too few steps in common for longer periods.
ALL_NOISE_AND_PATTERNS = pytest.mark.parametrize(
    ("noise", "pattern"),
    [
        *itertools.product(machine_noise.NOISE_MODELS, REPEATED_PATTERNS),
        (simulated_comparisons.RECORDED, ALL_STEPS),
        (simulated_comparisons.RECORDED, "every 2nd"),
    ],
)

unchanged_duets = cache(simulated_comparisons.unchanged_duets)


def decide_all(noise: str, comparisons: int, loss: float = 0.0, pattern: str = ALL_STEPS):
    return decide(unchanged_duets(noise, comparisons).slowed(pattern, loss), POLICY)


def share(decisions: Sequence[Decision], outcome: Outcome) -> float:
    return statistics.fmean(decision.outcome is outcome for decision in decisions)


@ALL_NOISE
def test_unchanged_code_passes_after_few_pairs_and_raises_no_alarm(noise):
    decisions = decide_all(noise, 3000)
    assert share(decisions, Outcome.REGRESSED) <= 1 / 1000
    assert share(decisions, Outcome.INCONCLUSIVE) <= 0.02
    assert statistics.median(decision.pairs for decision in decisions) <= 5


@ALL_NOISE_AND_PATTERNS
def test_a_slowdown_of_just_the_tolerance_rarely_fails_whichever_steps_carry_it(noise, pattern):
    decisions = decide_all(noise, 1000, loss=5.0, pattern=pattern)
    assert share(decisions, Outcome.REGRESSED) <= 0.01


@ALL_NOISE_AND_PATTERNS
def test_a_slowdown_of_twice_the_tolerance_is_found_whichever_steps_carry_it(noise, pattern):
    decisions = decide_all(noise, 600, loss=10.0, pattern=pattern)
    assert share(decisions, Outcome.REGRESSED) >= 0.99


@ALL_NOISE
def test_slow_steps_that_differ_from_launch_to_launch_do_not_pass(noise):
    decisions = decide_all(noise, 600, loss=10.0, pattern=SCATTERED)
    assert share(decisions, Outcome.PASSED) <= 0.02
    assert share(decisions, Outcome.REGRESSED) >= 1 / 3


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_screen_before_a_duet_adds_no_alarm_and_misses_little(bias):
    unchanged = list(screened_outcomes(1000, 0.03, bias, loss=0.0))
    assert not any(end.outcome is Outcome.REGRESSED for end in unchanged)
    slower = list(screened_outcomes(1000, 0.03, bias, loss=10.0))
    assert statistics.fmean(end.outcome is Outcome.REGRESSED for end in slower) >= 0.99


@pytest.mark.parametrize(
    ("noise", "pairs"),
    [
        *itertools.product(machine_noise.NOISE_MODELS, [3, 5, 12]),
        *itertools.product([simulated_comparisons.RECORDED], [5, 12]),
    ],
)
def test_intervals_cover_the_true_ratio_as_often_as_they_say(noise, pairs):
    duets = unchanged_duets(noise, 3000)
    truths = simulated_comparisons.true_log_ratios(noise, 3000)
    # A recorded pair may be drawn twice, and its residuals then look like effects of step numbers.
    least = 0.89 if noise == simulated_comparisons.RECORDED else 0.93
    assert least <= simulated_comparisons.covered_share(duets, truths, pairs) <= 0.97


def test_recorded_pairs_of_the_same_code_favour_neither_side():
    for duets in simulated_comparisons.recorded_pairs().values():
        (change,) = duets.changes(duets.candidate.shape[1])
        assert change.repeatable.lower(0.001) <= 0 <= change.repeatable.upper(0.001)


@pytest.mark.parametrize("percent", [5, 10, 20])
def test_recorded_slowdowns_are_measured_at_their_true_size(percent):
    pairs = json.loads(SLOWED.read_text())["pairs"][f"{percent} %"]
    change = paired_difference([plain_log_ratio(pair["candidate"], pair["base"]) for pair in pairs])
    # The slowdown is injected into the body of the step; fetching and zero_grad are not slower.
    assert change.lower(0.001) < log_factor(percent) < change.upper(0.001) + 0.01
