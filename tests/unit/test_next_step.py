"""Test the table "what the first look says" in docs/use/gate.md, but for its last row."""

import pytest

from traingate.comparison.next_step import CodeRelation, Step, next_step
from traingate.comparison.screen import Screen
from traingate.records import Outcome, Verdict

CHANGES = ("torch: 2.8.0 there, 2.9.0 here",)
OPEN_OR_SLOWER = (Outcome.INCONCLUSIVE, Outcome.REGRESSED)


def screen_of(outcome, changes=(), counters=(), slowdown=None):
    verdict = Verdict(outcome=outcome, tolerance_percent=5.0, slowdown_percent=slowdown)
    return Screen(verdict, counters, changes)


def step(screen, code=CodeRelation.DIFFERENT, *, launches_left=True):
    return next_step(screen, code, launches_left=launches_left)


@pytest.mark.parametrize("code", CodeRelation)
@pytest.mark.parametrize("changes", [(), CHANGES])
@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.IMPROVED])
def test_a_pass_or_an_improvement_is_the_verdict(outcome, changes, code):
    assert step(screen_of(outcome, changes), code) is Step.VERDICT


@pytest.mark.parametrize("code", CodeRelation)
@pytest.mark.parametrize("changes", [(), CHANGES])
@pytest.mark.parametrize("outcome", OPEN_OR_SLOWER)
def test_a_counter_regression_is_the_verdict_at_the_first_look(outcome, changes, code):
    assert step(screen_of(outcome, changes, ("1 graph break, 0 before",)), code) is Step.VERDICT


@pytest.mark.parametrize("launches_left", [True, False])
@pytest.mark.parametrize("outcome", OPEN_OR_SLOWER)
def test_in_the_same_environment_open_or_slower_leads_to_a_duet(outcome, launches_left):
    assert step(screen_of(outcome), launches_left=launches_left) is Step.DUET


@pytest.mark.parametrize("slowdown", [-9.0, 0.0, 4.9])
def test_the_same_code_in_the_same_environment_is_not_measured_against_itself(slowdown):
    screen = screen_of(Outcome.INCONCLUSIVE, slowdown=slowdown)
    assert step(screen, CodeRelation.SAME) is Step.VERDICT


def test_the_same_code_that_looks_slower_gets_more_launches():
    screen = screen_of(Outcome.INCONCLUSIVE, slowdown=5.1)
    assert step(screen, CodeRelation.SAME) is Step.MEASURE_MORE
    assert step(screen, CodeRelation.SAME, launches_left=False) is Step.VERDICT


@pytest.mark.parametrize("code", CodeRelation)
def test_open_in_another_environment_leads_to_more_launches(code):
    assert step(screen_of(Outcome.INCONCLUSIVE, CHANGES), code) is Step.MEASURE_MORE


def test_open_without_the_commit_leads_to_more_launches():
    assert step(screen_of(Outcome.INCONCLUSIVE), CodeRelation.UNAVAILABLE) is Step.MEASURE_MORE


@pytest.mark.parametrize("changes", [(), CHANGES])
def test_slower_without_the_commit_is_the_verdict(changes):
    assert step(screen_of(Outcome.REGRESSED, changes), CodeRelation.UNAVAILABLE) is Step.VERDICT


@pytest.mark.parametrize("changes", [(), CHANGES])
def test_open_without_the_commit_and_without_launches_left_is_the_verdict(changes):
    screen = screen_of(Outcome.INCONCLUSIVE, changes)
    assert step(screen, CodeRelation.UNAVAILABLE, launches_left=False) is Step.VERDICT


@pytest.mark.parametrize("launches_left", [True, False])
def test_slower_with_another_environment_and_code_leads_to_a_duet(launches_left):
    screen = screen_of(Outcome.REGRESSED, CHANGES)
    assert step(screen, launches_left=launches_left) is Step.DUET


def test_open_after_all_launches_with_another_environment_and_code_leads_to_a_duet():
    assert step(screen_of(Outcome.INCONCLUSIVE, CHANGES), launches_left=False) is Step.DUET


@pytest.mark.parametrize("outcome", OPEN_OR_SLOWER)
def test_the_same_code_in_another_environment_leads_to_no_duet(outcome):
    screen = screen_of(outcome, CHANGES)
    assert step(screen, CodeRelation.SAME, launches_left=False) is Step.VERDICT


@pytest.mark.parametrize(("slowdown", "expected"), [(4.9, Step.VERDICT), (5.1, Step.MEASURE_MORE)])
def test_a_slowdown_that_a_passing_duet_does_not_explain_leads_to_more_launches(slowdown, expected):
    screen = screen_of(Outcome.INCONCLUSIVE, slowdown=slowdown)
    arguments = (screen, CodeRelation.DIFFERENT)
    assert next_step(*arguments, launches_left=True, duet_passes=True) is expected
    assert next_step(*arguments, launches_left=False, duet_passes=True) is Step.VERDICT
