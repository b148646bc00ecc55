"""The counts of a comparing session, and the reasons for which it fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from traingate.baselines.test_names import is_named
from traingate.comparison.completeness import (
    ComparisonCounts,
    SessionFacts,
    count,
    problems,
)
from traingate.records import Outcome, Verdict
from traingate.selection import Absence

A, B, C = "speed/test_a.py::test_a", "speed/test_a.py::TestB::test_b[1-x]", "test_c.py::test_c"
FACTS = SessionFacts(
    selected=(A, B),
    verdicts=(),
    refusals={},
    baselines={A: "0001", B: "0001"},
    absences={},
    skip_reasons={},
    failed_tests=(),
)

HIDDEN = f"{B} was not reported as failed, but its comparison failed:\n"


def verdict(outcome, **changes):
    reason = "nothing is stored"
    return Verdict(outcome=outcome, tolerance_percent=5, reason=reason, **changes)


def facts(*outcomes, **changes):
    """Return facts with verdicts of these outcomes on A and B, which fail where they regress."""
    verdicts = tuple(
        (test, verdict(outcome, failed=outcome is Outcome.REGRESSED))
        for test, outcome in zip((A, B, A), outcomes, strict=False)
    )
    return replace(FACTS, verdicts=verdicts, **changes)


@pytest.mark.parametrize(
    ("case", "counts"),
    [
        (facts(Outcome.PASSED, Outcome.IMPROVED), {"compared": 2, "passed": 2}),
        (
            facts(Outcome.REGRESSED, Outcome.INCONCLUSIVE),
            {"compared": 2, "regressed": 1, "open": 1},
        ),
        (facts(Outcome.PASSED, Outcome.NO_BASELINE), {"compared": 1, "passed": 1, "new": 1}),
        (facts(Outcome.PASSED), {"compared": 1, "passed": 1, "skipped": 1}),
        # A test that was run again: the worst verdict counts, in any order.
        (
            facts(Outcome.REGRESSED, Outcome.PASSED, Outcome.PASSED),
            {"compared": 2, "passed": 1, "regressed": 1},
        ),
        (
            facts(Outcome.PASSED, Outcome.PASSED, Outcome.INCONCLUSIVE),
            {"compared": 2, "passed": 1, "open": 1},
        ),
        # A refused test is new only if it has no record.
        (
            facts(Outcome.PASSED, refusals={B: "none"}, baselines={A: "0001"}),
            {"compared": 1, "passed": 1, "new": 1},
        ),
        (facts(Outcome.PASSED, refusals={B: "batch"}), {"compared": 1, "passed": 1, "skipped": 1}),
        (
            facts(Outcome.PASSED, Outcome.PASSED, absences={C: Absence.GONE, "d": Absence.SKIPPED}),
            {"compared": 2, "passed": 2, "gone": 1, "skipped": 1},
        ),
        (
            facts(Outcome.PASSED, Outcome.PASSED, absences={C: Absence.DESELECTED}),
            {"compared": 2, "passed": 2, "deselected": 1},
        ),
    ],
)
def test_each_test_is_counted_once(case, counts):
    assert count(case) == ComparisonCounts(**counts)


def test_the_counts_are_one_line():
    assert str(ComparisonCounts(compared=2, passed=1, open=1)) == (
        "2 compared, 1 passed, 0 regressed, 1 open, 0 new, 0 gone, 0 skipped, 0 deselected"
    )


@pytest.mark.parametrize(
    "case",
    [
        facts(Outcome.PASSED, Outcome.IMPROVED),
        facts(Outcome.PASSED, Outcome.INCONCLUSIVE),
        facts(Outcome.PASSED, Outcome.REGRESSED, failed_tests=(B,)),
        # B failed before its verdict, which pytest has reported.
        facts(Outcome.PASSED, failed_tests=(B,)),
        facts(failed_tests=(A, B)),
        facts(Outcome.PASSED, selected=(A,), baselines={A: "", C: ""}, absences={C: Absence.DESELECTED}),
        # B is skipped, as it was when the run was stored.
        facts(Outcome.PASSED, baselines={A: "0001"}),
        facts(Outcome.PASSED, allowed_names=("test_b",)),
        facts(allowed_names=("speed/test_a.py",)),
        facts(Outcome.PASSED, is_complete=False),
        facts(selected=(), baselines={}),
        facts(selected=(), baselines={C: ""}, absences={C: Absence.GONE}, allowed_names=("test_c.py",)),
        facts(compares=False, baselines={}),
    ],
)  # fmt: skip
def test_a_session_has_no_problem_if_each_baseline_was_used_or_need_not_be(case):
    assert problems(case) == []


@pytest.mark.parametrize(
    ("case", "texts"),
    [
        (
            facts(Outcome.PASSED, Outcome.REGRESSED),
            (f"{HIDDEN}REGRESSED: nothing is stored",),
        ),
        (facts(Outcome.PASSED, Outcome.REGRESSED, is_complete=False), (f"{B} was not reported as failed",)),
        (facts(Outcome.PASSED, Outcome.REGRESSED, compares=False), (f"{B} was not reported as failed",)),
        (
            facts(Outcome.PASSED, refusals={B: "No stored run has b"}, baselines={A: "0001"}),
            (f"{HIDDEN}No stored run has b",),
        ),
        (
            facts(Outcome.PASSED),
            ("were not compared:\n", f"  {B}: measured nothing: ", " (0001)", f"-missing='{B}'"),
        ),
        (facts(Outcome.PASSED, skip_reasons={B: "no time"}), (f"  {B}: skipped: no time (0001)",)),
        (
            facts(Outcome.PASSED, Outcome.PASSED, baselines={A: "", C: "2"}, absences={C: Absence.GONE}),
            (f"  {C}: gone (2)",),
        ),
        (
            facts(
                Outcome.PASSED,
                Outcome.PASSED,
                baselines={C: "2"},
                absences={C: Absence.SKIPPED},
                skip_reasons={"test_c.py": "no xla"},
            ),
            (f"  {C}: skipped: no xla (2)",),
        ),
        (facts(), ("none of 2 training benchmarks was compared:\n", f"  {A}: measured nothing")),
        (facts(Outcome.NO_BASELINE, Outcome.NO_BASELINE, baselines={}), (f"  {A}: new\n",)),
        (facts(selected=(), baselines={}, must_compare=True), ("no training benchmark was selected",)),
        (
            facts(Outcome.NO_BASELINE, Outcome.NO_BASELINE, baselines={}, must_compare=True),
            ("If all of them are new to the base, measure them without a comparison.",),
        ),
        (
            facts(selected=(), baselines={C: "2"}, absences={C: Absence.DESELECTED}),
            ("no training benchmark was selected. Stored are:", f"  {C}: deselected (2)"),
        ),
        (
            facts(Outcome.PASSED, Outcome.PASSED, baselines={"t.py::t[1,2]": ""}, absences={"t.py::t[1,2]": Absence.GONE}),
            ("-missing=t.py::t",),
        ),
    ],
)  # fmt: skip
def test_what_was_not_compared_or_did_not_fail_is_told(case, texts):
    (problem,) = problems(case)
    for text in texts:
        assert text in problem


@pytest.mark.parametrize(
    "name",
    [B, "speed/test_a.py::TestB::test_b", "speed/test_a.py::TestB", "speed/test_a.py", "TestB",
     "test_a.py::TestB::test_b", "TestB::test_b", "test_b", "test_b[1-x]"],
)  # fmt: skip
def test_a_test_is_named_by_its_full_name_its_holder_or_its_end(name):
    assert is_named(B, {"other", name})


@pytest.mark.parametrize("name", ["test", "b", "test_b[1", "speed", "a.py::TestB", "x]", "test_a"])
def test_a_test_is_not_named_by_a_part_of_a_name(name):
    assert not is_named(B, {name})


def test_the_tests_without_a_verdict_are_those_that_must_have_one_and_those_that_need_none():
    case = facts(Outcome.PASSED, baselines={A: "", B: "", C: ""}, allowed_names=("test_b",))
    assert (case.uncompared, case.allowed_uncompared) == ([C], [B])
    case = facts(Outcome.PASSED, Outcome.NO_BASELINE)
    assert (case.uncompared, case.allowed_uncompared) == ([B], [])
