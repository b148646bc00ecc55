"""Test the error rates that the gate promises, by recorded step times and by simulated ones."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

import machine_noise
import simulated_comparisons
from simulated_comparisons import Decision, decide_by_duet, screened_outcomes
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import log_factor, pair_log_ratio, paired_difference
from traingate.records import Outcome

SLOWED = Path(__file__).parents[2] / "benchmarks" / "peers" / "recorded.json"
POLICY = pair_policy(5.0, machine_noise.PAIRS)
ALL_NOISE = pytest.mark.parametrize(
    "noise", [*machine_noise.NOISE_MODELS, simulated_comparisons.RECORDED]
)


comparison_log_ratios = cache(simulated_comparisons.comparison_log_ratios)


def decide_all(noise: str, loss: float, comparisons: int) -> list[Decision]:
    return [
        decide_by_duet(log_ratios, loss, POLICY)
        for log_ratios in comparison_log_ratios(noise, comparisons)
    ]


def share(decisions: Sequence[Decision], outcome: Outcome) -> float:
    return statistics.fmean(decision.outcome is outcome for decision in decisions)


@ALL_NOISE
def test_unchanged_code_passes_after_few_pairs_and_raises_no_alarm(noise):
    decisions = decide_all(noise, 0.0, 3000)
    assert share(decisions, Outcome.REGRESSED) <= 1 / 1000
    assert share(decisions, Outcome.INCONCLUSIVE) <= 0.01
    assert statistics.median(decision.pairs for decision in decisions) <= 5


@ALL_NOISE
def test_a_slowdown_of_just_the_tolerance_rarely_fails(noise):
    assert share(decide_all(noise, 5.0, 1500), Outcome.REGRESSED) <= 0.01


@ALL_NOISE
def test_a_slowdown_of_twice_the_tolerance_is_found(noise):
    assert share(decide_all(noise, 10.0, 1500), Outcome.REGRESSED) >= 0.99


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_screen_before_a_duet_adds_no_alarm_and_misses_little(bias):
    unchanged = list(screened_outcomes(1000, 0.03, bias, loss=0.0))
    assert not any(end.outcome is Outcome.REGRESSED for end in unchanged)
    slower = list(screened_outcomes(1000, 0.03, bias, loss=10.0))
    assert statistics.fmean(end.outcome is Outcome.REGRESSED for end in slower) >= 0.99


@ALL_NOISE
@pytest.mark.parametrize("pairs", [3, 5, 12])
def test_intervals_cover_the_true_ratio_as_often_as_they_say(noise, pairs):
    comparisons = comparison_log_ratios(noise, 3000)
    truths = simulated_comparisons.true_log_ratios(noise, 3000)
    share_covered = simulated_comparisons.covered_share(comparisons, truths, pairs)
    assert 0.93 <= share_covered <= 0.97


def test_recorded_pairs_of_the_same_code_favour_neither_side():
    for log_ratios in simulated_comparisons.recorded_log_ratios().values():
        change = paired_difference(log_ratios)
        assert change.lower(0.001) <= 0 <= change.upper(0.001)


def test_simulated_log_ratios_are_computed_as_the_gate_computes_them():
    seconds = machine_noise.step_seconds("drift", 2, seed=3)
    candidate, base = seconds[1, 4].tolist()
    expected = pair_log_ratio(candidate, base, 1)
    assert machine_noise.pair_log_ratios(seconds)[1, 4] == pytest.approx(expected)


@pytest.mark.parametrize("percent", ["5", "10", "20"])
def test_recorded_slowdowns_are_measured_at_their_true_size(percent):
    pairs = json.loads(SLOWED.read_text())["pairs"][percent]
    change = paired_difference([pair["log_ratio"] for pair in pairs])
    # The slowdown is injected into the body of the step; fetching and zero_grad are not slower.
    assert change.lower(0.001) < log_factor(float(percent)) < change.upper(0.001) + 0.01
