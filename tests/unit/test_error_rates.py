"""The gate's promises, held by simulation: on recorded step times, and on simulated ones."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

import machine_habits
import simulated_comparisons
from simulated_comparisons import Decision, decide_by_duet, screened_outcomes
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import log_factor, pair_log_ratio, paired_difference
from traingate.records import Outcome

SLOWED = Path(__file__).parents[2] / "benchmarks" / "peers" / "recorded.json"
POLICY = pair_policy(5.0, machine_habits.PAIRS)
ALL_HABITS = pytest.mark.parametrize(
    "habit", [*machine_habits.HABITS, simulated_comparisons.RECORDED]
)


comparison_log_ratios = cache(simulated_comparisons.comparison_log_ratios)


def decide_all(habit: str, loss: float, comparisons: int) -> list[Decision]:
    return [
        decide_by_duet(log_ratios, loss, POLICY)
        for log_ratios in comparison_log_ratios(habit, comparisons)
    ]


def share(decisions: Sequence[Decision], outcome: Outcome) -> float:
    return statistics.fmean(decision.outcome is outcome for decision in decisions)


@ALL_HABITS
def test_unchanged_code_passes_soon_and_raises_no_alarm(habit):
    decisions = decide_all(habit, 0.0, 3000)
    assert share(decisions, Outcome.REGRESSED) <= 1 / 1000
    assert share(decisions, Outcome.INCONCLUSIVE) <= 0.01
    assert statistics.median(decision.pairs for decision in decisions) <= 5


@ALL_HABITS
def test_a_slowdown_of_just_the_tolerance_rarely_fails(habit):
    assert share(decide_all(habit, 5.0, 1500), Outcome.REGRESSED) <= 0.01


@ALL_HABITS
def test_a_slowdown_of_twice_the_tolerance_is_found(habit):
    assert share(decide_all(habit, 10.0, 1500), Outcome.REGRESSED) >= 0.99


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_screen_before_a_duet_adds_no_alarm_and_misses_little(bias):
    unchanged = list(screened_outcomes(1000, 0.03, bias, loss=0.0))
    assert not any(end.outcome is Outcome.REGRESSED for end in unchanged)
    slower = list(screened_outcomes(1000, 0.03, bias, loss=10.0))
    assert statistics.fmean(end.outcome is Outcome.REGRESSED for end in slower) >= 0.99


@ALL_HABITS
@pytest.mark.parametrize("pairs", [3, 5, 12])
def test_intervals_cover_the_true_ratio_as_often_as_they_say(habit, pairs):
    comparisons = comparison_log_ratios(habit, 3000)
    truths = simulated_comparisons.true_log_ratios(habit, 3000)
    covered = simulated_comparisons.covered_share(comparisons, truths, pairs)
    assert 0.93 <= covered <= 0.97


def test_recorded_pairs_of_the_same_code_have_no_side_of_their_own():
    for log_ratios in simulated_comparisons.recorded_log_ratios().values():
        change = paired_difference(log_ratios)
        assert change.lower(0.001) <= 0 <= change.upper(0.001)


def test_the_simulation_has_the_form_of_a_duet():
    seconds = machine_habits.step_seconds("drift", 2, seed=3)
    candidate, base = seconds[1, 4].tolist()
    expected = pair_log_ratio(candidate, base, 1)
    assert machine_habits.pair_log_ratios(seconds)[1, 4] == pytest.approx(expected)


@pytest.mark.parametrize("percent", ["5", "10", "20"])
def test_recorded_slowdowns_are_seen_as_large_as_they_were(percent):
    pairs = json.loads(SLOWED.read_text())["pairs"][percent]
    change = paired_difference([pair["log_ratio"] for pair in pairs])
    # The slowdown is put into the body of the step; fetching and zero_grad are not slowed down.
    assert change.lower(0.001) < log_factor(float(percent)) < change.upper(0.001) + 0.01
