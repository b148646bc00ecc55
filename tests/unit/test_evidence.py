"""Test the cause and the evidence of each verdict by a screen and a duet."""

from pathlib import Path

import msgspec
import pytest

from sample_records import measurement
from simulated_launches import launch
from traingate.baselines.lookup import Baseline
from traingate.comparison.duet import DuetResult
from traingate.comparison.evidence import (
    attribute,
    attribute_on_another_machine,
    attribute_sides,
)
from traingate.comparison.next_step import CodeRelation
from traingate.comparison.screen import Screen
from traingate.records import Cause, Counts, Duet, Method, Outcome, Pair, Verdict
from traingate.report.verdict import explain

CHANGES = ("torch: 2.8.0 there, 2.9.0 here",)
PAIR = Pair(
    candidate_step_seconds=(0.11,), base_step_seconds=(0.1,), steps_per_turn=1, log_ratio=0.1
)
DUET = Duet(
    base="commit 1a2b3c4d5",
    pairs=(PAIR,),
    candidate_environment={},
    base_environment={},
    candidate_counts=Counts(counters={}),
    base_counts=Counts(counters={}),
)


def verdict(outcome, slowdown, method=Method.LAUNCHES):
    return Verdict(
        outcome=outcome,
        method=method,
        tolerance_percent=5.0,
        slowdown_percent=slowdown,
        launches=3,
        baseline_launches=3,
        baseline="0001_base.json",
        samples_per_second=90.0,
        baseline_samples_per_second=100.0,
    )


def screen_of(outcome, changes=(), counters=()):
    return Screen(verdict(outcome, 12.0), counters, changes)


def duet(outcome, slowdown=9.0):
    return DuetResult(verdict(outcome, slowdown, Method.STEPS), DUET)


def outcome_and_cause(result):
    return result.outcome, result.cause


def test_a_counter_regression_has_a_cause_only_if_the_environment_differs():
    result = attribute(
        screen_of(Outcome.REGRESSED, counters=("x",)), CodeRelation.DIFFERENT, None, None
    )
    assert outcome_and_cause(result) == (Outcome.REGRESSED, None)
    changed = screen_of(Outcome.REGRESSED, CHANGES, ("x",))
    assert attribute(changed, CodeRelation.DIFFERENT, None, None).cause is Cause.EITHER


def test_a_passing_screen_is_the_verdict():
    passed = screen_of(Outcome.PASSED, CHANGES)
    assert attribute(passed, CodeRelation.DIFFERENT, None, None) == passed.verdict


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.REGRESSED])
def test_in_the_same_environment_the_duets_verdict_holds(outcome):
    result = attribute(screen_of(outcome), CodeRelation.DIFFERENT, duet(Outcome.REGRESSED), None)
    assert outcome_and_cause(result) == (Outcome.REGRESSED, Cause.CODE)
    assert result.slowdown_percent == 9.0
    assert result.evidence[-1].startswith("screened by 0001_base.json: 12.0 % slower than its 3")


def test_the_baselines_own_code_is_never_the_cause():
    result = attribute(
        screen_of(Outcome.REGRESSED), CodeRelation.SAME, duet(Outcome.REGRESSED), None
    )
    assert outcome_and_cause(result) == (Outcome.REGRESSED, None)


@pytest.mark.parametrize("slowdown", [-9.0, 0.0, 4.9])
def test_the_same_code_in_the_same_environment_passes_though_its_launches_scatter(slowdown):
    screen = Screen(verdict(Outcome.INCONCLUSIVE, slowdown), (), ())
    result = attribute(screen, CodeRelation.SAME, None, None)
    assert outcome_and_cause(result) == (Outcome.PASSED, None)
    assert "no recorded cause can have made it slower" in result.evidence[-1]


def test_the_same_code_in_the_same_environment_that_is_slower_is_open():
    result = attribute(screen_of(Outcome.REGRESSED), CodeRelation.SAME, None, None)
    assert outcome_and_cause(result) == (Outcome.INCONCLUSIVE, None)
    assert "12.0 % slower than in 0001_base.json" in result.disagreement
    text = explain(result)
    assert text.startswith("INCONCLUSIVE: code and environment are those of the stored launches")
    assert "look for what has changed on this machine" in text


@pytest.mark.parametrize(("low", "outcome"), [(4.9, Outcome.PASSED), (5.1, Outcome.INCONCLUSIVE)])
def test_the_same_code_on_a_slower_machine_is_open_if_it_slowed_down_more(low, outcome):
    slower = msgspec.structs.replace(
        verdict(Outcome.INCONCLUSIVE, 12.0), slowdown_percent_interval=(low, 20.0)
    )
    screen = Screen(slower, (), (), doubt="the machine is slower than it was")
    assert attribute(screen, CodeRelation.SAME, None, None).outcome is outcome


@pytest.mark.parametrize("code", [CodeRelation.SAME, CodeRelation.DIFFERENT])
@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.IMPROVED])
def test_a_screen_and_a_duet_that_disagree_for_no_recorded_reason_are_inconclusive(outcome, code):
    result = attribute(screen_of(Outcome.REGRESSED), code, duet(outcome, 0.1), None)
    assert outcome_and_cause(result) == (Outcome.INCONCLUSIVE, None)
    assert "disagree, and the records list no reason" in result.disagreement
    assert "12.0 % slower than in 0001_base.json" in result.disagreement
    text = explain(result)
    assert text.startswith("INCONCLUSIVE: the stored launches and the duet disagree")
    assert "look for what has changed on this machine" in text
    assert "scatter" not in text


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.IMPROVED])
def test_a_duet_that_decides_what_the_screen_left_open_is_no_disagreement(outcome):
    result = attribute(
        screen_of(Outcome.INCONCLUSIVE), CodeRelation.DIFFERENT, duet(outcome, 0.1), None
    )
    assert (result.outcome, result.disagreement) == (outcome, None)


ELSEWHERE = Baseline(
    measurement([launch([0.1])]),
    Path("0001_base.json"),
    "0001_base.json",
    "1a2b3c",
    (),
    ("CPU: A there, B here",),
)


@pytest.mark.parametrize(
    ("outcome", "code", "cause"),
    [
        (Outcome.REGRESSED, CodeRelation.DIFFERENT, Cause.CODE),
        (Outcome.REGRESSED, CodeRelation.SAME, None),
        (Outcome.PASSED, CodeRelation.DIFFERENT, None),
    ],
)
def test_a_duet_settles_for_a_baseline_of_another_machine_and_says_so(outcome, code, cause):
    settled = verdict(outcome, 9.0, Method.STEPS)
    result = attribute_on_another_machine(settled, ELSEWHERE, code, CHANGES)
    assert outcome_and_cause(result) == (outcome, cause)
    machine, environment = result.evidence
    assert machine.startswith("0001_base.json is of another machine (CPU: A there, B here): a duet")
    assert environment.endswith(f"does not show the effect of {CHANGES[0]}")
    assert len(attribute_on_another_machine(settled, ELSEWHERE, code, ()).evidence) == 1


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome.REGRESSED, Cause.BOTH),
        (Outcome.INCONCLUSIVE, Cause.EITHER),
        (Outcome.PASSED, Cause.ENVIRONMENT),
        (Outcome.IMPROVED, Cause.ENVIRONMENT),
    ],
)
def test_for_a_slowdown_in_another_environment_the_duet_decides_on_the_code(outcome, cause):
    result = attribute(
        screen_of(Outcome.REGRESSED, CHANGES), CodeRelation.DIFFERENT, duet(outcome), None
    )
    assert outcome_and_cause(result) == (Outcome.REGRESSED, cause)
    assert result.slowdown_percent == 12.0
    assert "in this environment it is 9.0 % slower than commit 1a2b3c4d5" in result.evidence[-1]


def test_an_inconclusive_screen_in_another_environment_fails_by_slower_code():
    result = attribute(
        screen_of(Outcome.INCONCLUSIVE, CHANGES),
        CodeRelation.DIFFERENT,
        duet(Outcome.REGRESSED),
        None,
    )
    assert outcome_and_cause(result) == (Outcome.REGRESSED, Cause.CODE)
    assert result.slowdown_percent == 9.0
    assert CHANGES[0] in result.evidence


def test_an_inconclusive_screen_in_another_environment_stays_so_for_equally_fast_code():
    result = attribute(
        screen_of(Outcome.INCONCLUSIVE, CHANGES),
        CodeRelation.DIFFERENT,
        duet(Outcome.PASSED, 0),
        None,
    )
    assert outcome_and_cause(result) == (Outcome.INCONCLUSIVE, None)
    assert "the code differs too" in result.evidence[-1]


def test_a_slowdown_of_the_baselines_own_code_is_caused_by_the_environment():
    result = attribute(screen_of(Outcome.REGRESSED, CHANGES), CodeRelation.SAME, None, None)
    assert outcome_and_cause(result) == (Outcome.REGRESSED, Cause.ENVIRONMENT)


@pytest.mark.parametrize(("low", "outcome"), [(5.1, Outcome.INCONCLUSIVE), (4.9, Outcome.PASSED)])
def test_a_duet_does_not_overrule_launches_whose_interval_is_above_the_tolerance(low, outcome):
    open_verdict = msgspec.structs.replace(
        verdict(Outcome.INCONCLUSIVE, 12.0), slowdown_percent_interval=(low, 19.0)
    )
    passing = duet(Outcome.PASSED, 0.3)
    result = attribute(Screen(open_verdict, (), ()), CodeRelation.DIFFERENT, passing, None)
    assert result.outcome is outcome
    assert (result.disagreement is None) == (outcome is Outcome.PASSED)
    doubted = Screen(open_verdict, (), (), doubt="the machine is slower than it was")
    assert attribute(doubted, CodeRelation.DIFFERENT, passing, None).outcome is Outcome.PASSED


@pytest.mark.parametrize(("changes", "cause"), [((), None), (CHANGES, Cause.EITHER)])
def test_without_the_commit_the_part_of_the_code_cannot_be_determined(changes, cause):
    result = attribute(screen_of(Outcome.REGRESSED, changes), CodeRelation.UNAVAILABLE, None, None)
    assert outcome_and_cause(result) == (Outcome.REGRESSED, cause)
    assert "without the baseline's commit it cannot be determined" in result.evidence[-1]


@pytest.mark.parametrize(("changes", "cause"), [((), None), (CHANGES, Cause.EITHER)])
@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.INCONCLUSIVE])
def test_the_reason_why_a_duet_cannot_be_measured_is_evidence(outcome, changes, cause):
    result = attribute(screen_of(outcome, changes), CodeRelation.UNAVAILABLE, None, "no such file")
    expected = cause if outcome is Outcome.REGRESSED else None
    assert outcome_and_cause(result) == (outcome, expected)
    assert result.evidence[-1].endswith("no such file")


@pytest.mark.parametrize(
    ("reference", "other_python", "code", "cause"),
    [
        ("main", False, CodeRelation.DIFFERENT, Cause.CODE),
        ("main", False, CodeRelation.SAME, None),
        ("main", True, CodeRelation.DIFFERENT, Cause.EITHER),
        (None, True, CodeRelation.UNAVAILABLE, Cause.ENVIRONMENT),
    ],
)
def test_the_cause_in_a_requested_duet_is_the_difference_of_its_sides(
    reference, other_python, code, cause
):
    slower = verdict(Outcome.REGRESSED, 9.0, Method.STEPS)
    result = attribute_sides(slower, reference=reference, other_python=other_python, code=code)
    assert result.cause is cause
    assert ("only files that git does not track" in " ".join(result.evidence)) == (
        code is CodeRelation.SAME
    )
    passed = verdict(Outcome.PASSED, 0.0, Method.STEPS)
    assert (
        attribute_sides(passed, reference=reference, other_python=other_python, code=code) == passed
    )
