"""What the gate promises, held by simulation: on step times recorded here, and on made-up ones."""

from __future__ import annotations

import json
import statistics
from functools import cache
from pathlib import Path

import pytest

import noise
import recordings
from traingate.gate.decision import first_decision
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import log_factor, paired_difference, round_log_ratios
from traingate.records import Method, Outcome

RECORDED = Path(__file__).parents[2] / "benchmarks" / "peers" / "recorded.json"
POLICY = pair_policy(5.0, noise.PAIRS)
ALL_HABITS = pytest.mark.parametrize("habit", [*noise.HABITS, "recorded"])


log_ratios = cache(recordings.log_ratios)


def decisions(habit: str, loss: float, tries: int) -> list[tuple[Outcome, int]]:
    shift = log_factor(loss)
    return [
        first_decision([value + shift for value in row], Method.STEPS, POLICY)
        for row in log_ratios(habit, tries)
    ]


def share(found: list[tuple[Outcome, int]], outcome: Outcome) -> float:
    return sum(item is outcome for item, _ in found) / len(found)


@ALL_HABITS
def test_unchanged_code_passes_soon_and_raises_no_alarm(habit):
    found = decisions(habit, 0.0, 3000)
    assert share(found, Outcome.REGRESSED) <= 1 / 1000
    assert share(found, Outcome.INCONCLUSIVE) <= 0.01
    assert statistics.median(pairs for _, pairs in found) <= 5


@ALL_HABITS
def test_a_slowdown_of_just_the_tolerance_rarely_fails(habit):
    assert share(decisions(habit, 5.0, 1500), Outcome.REGRESSED) <= 0.01


@ALL_HABITS
def test_a_slowdown_of_twice_the_tolerance_is_found(habit):
    assert share(decisions(habit, 10.0, 1500), Outcome.REGRESSED) >= 0.99


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_screen_before_a_duet_adds_no_alarm_and_misses_little(bias):
    unchanged = list(recordings.screened_and_settled(1000, 0.03, bias, loss=0.0))
    assert not any(end.outcome is Outcome.REGRESSED for end in unchanged)
    slower = list(recordings.screened_and_settled(1000, 0.03, bias, loss=10.0))
    assert statistics.fmean(end.outcome is Outcome.REGRESSED for end in slower) >= 0.99


@ALL_HABITS
@pytest.mark.parametrize("pairs", [3, 5, 12])
def test_intervals_cover_what_they_say(habit, pairs):
    intervals = [paired_difference(row[:pairs]) for row in log_ratios(habit, 3000)]
    truths = {number: recordings.true_log_ratio(habit, number) for number in (0, 1)}
    covered = [
        change.lower(0.025) <= truths[number % 2] <= change.upper(0.025)
        for number, change in enumerate(intervals)
    ]
    assert 0.93 <= statistics.fmean(covered) <= 0.97


def test_recorded_pairs_of_the_same_code_have_no_side_of_their_own():
    for ratios in recordings.recorded_log_ratios().values():
        change = paired_difference(ratios)
        assert change.lower(0.001) <= 0 <= change.upper(0.001)


def test_the_simulation_has_the_form_of_a_duet():
    seconds = noise.step_seconds("drift", 2, seed=3)
    pair = seconds[1, 4]
    by_hand = statistics.median(round_log_ratios(pair[0].tolist(), pair[1].tolist(), 1))
    assert noise.log_ratios(seconds)[1, 4] == pytest.approx(by_hand)


@pytest.mark.parametrize("percent", ["5", "10", "20"])
def test_recorded_slowdowns_are_seen_as_large_as_they_were(percent):
    pairs = json.loads(RECORDED.read_text())["pairs"][percent]
    change = paired_difference([pair["log_ratio"] for pair in pairs])
    # The slowdown is put into the body of the step; fetching and zero_grad are not slowed down.
    assert change.lower(0.001) < log_factor(float(percent)) < change.upper(0.001) + 0.01
