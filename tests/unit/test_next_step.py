"""Each row of the table in docs/use/gate.md, "Stored runs: screen, then compare", as a test."""

import pytest

from traingate.comparison.next_step import BaseCode, Step, next_step
from traingate.comparison.screen import Screen
from traingate.records import Outcome, Verdict

CHANGES = ("torch: 2.8.0 there, 2.9.0 here",)
DOUBT = (Outcome.INCONCLUSIVE, Outcome.REGRESSED)


def screened(outcome, changes=(), counters=()):
    return Screen(Verdict(outcome=outcome, tolerance_percent=5.0), counters, changes)


def step(screen, code=BaseCode.DIFFERENT, *, launches_left=True):
    return next_step(screen, code, launches_left=launches_left)


@pytest.mark.parametrize("code", BaseCode)
@pytest.mark.parametrize("changes", [(), CHANGES])
@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.IMPROVED])
def test_a_pass_or_a_gain_is_the_verdict_whatever_differs(outcome, changes, code):
    assert step(screened(outcome, changes), code) is Step.VERDICT


@pytest.mark.parametrize("code", BaseCode)
@pytest.mark.parametrize("changes", [(), CHANGES])
@pytest.mark.parametrize("outcome", DOUBT)
def test_a_counter_regression_is_the_verdict_at_the_first_look(outcome, changes, code):
    assert step(screened(outcome, changes, ("1 graph break, 0 before",)), code) is Step.VERDICT


@pytest.mark.parametrize("launches_left", [True, False])
@pytest.mark.parametrize("code", [BaseCode.SAME, BaseCode.DIFFERENT])
@pytest.mark.parametrize("outcome", DOUBT)
def test_doubt_in_the_same_environment_asks_for_a_duet_with_the_commit(
    outcome, code, launches_left
):
    assert step(screened(outcome), code, launches_left=launches_left) is Step.DUET


@pytest.mark.parametrize("code", BaseCode)
def test_open_in_another_environment_asks_for_more_launches(code):
    assert step(screened(Outcome.INCONCLUSIVE, CHANGES), code) is Step.MEASURE_MORE


def test_open_without_the_commit_asks_for_more_launches():
    assert step(screened(Outcome.INCONCLUSIVE), BaseCode.UNAVAILABLE) is Step.MEASURE_MORE


@pytest.mark.parametrize("changes", [(), CHANGES])
def test_slower_without_the_commit_is_the_verdict(changes):
    assert step(screened(Outcome.REGRESSED, changes), BaseCode.UNAVAILABLE) is Step.VERDICT


@pytest.mark.parametrize("changes", [(), CHANGES])
def test_open_without_the_commit_ends_with_the_launches(changes):
    screen = screened(Outcome.INCONCLUSIVE, changes)
    assert step(screen, BaseCode.UNAVAILABLE, launches_left=False) is Step.VERDICT


@pytest.mark.parametrize("launches_left", [True, False])
def test_slower_where_environment_and_code_differ_asks_for_the_codes_part(launches_left):
    screen = screened(Outcome.REGRESSED, CHANGES)
    assert step(screen, launches_left=launches_left) is Step.DUET


def test_open_after_all_launches_where_both_differ_asks_for_the_codes_part():
    assert step(screened(Outcome.INCONCLUSIVE, CHANGES), launches_left=False) is Step.DUET


@pytest.mark.parametrize("outcome", DOUBT)
def test_the_same_code_in_another_environment_has_no_part_to_ask_for(outcome):
    screen = screened(outcome, CHANGES)
    assert step(screen, BaseCode.SAME, launches_left=False) is Step.VERDICT
