"""An intended change is let through with a reason, within its limits, and no further."""

from pathlib import Path

import pytest

from traingate.comparison.acceptance import (
    AcceptedChange,
    accept_change,
    accepted_change,
    base_counts_with,
    contains_text,
)
from traingate.errors import ConfigurationError
from traingate.gate.counters import counter_regressions
from traingate.gate.limits import Limits
from traingate.records import Counts, Duet, Method, Outcome, Pair, Verdict
from traingate.report.verdict import explain

FILE = Path("test_training.py")
WHY = "checkpointing halves the memory"


def counts(breaks, *reasons):
    return Counts(
        counters={"dynamo_graph_breaks": breaks}, reasons={"dynamo_graph_breaks": reasons}
    )


def duet(base=Counts(counters={}), candidate=Counts(counters={}), pairs=None):  # noqa: B008 - they are frozen
    software = {"torch": "2.8.0"}
    return Duet(
        base="commit 1", pairs=tuple(pairs or pairs_of(10.0)), candidate_environment=software, base_environment=software,
        candidate_counts=candidate, base_counts=base,
    )  # fmt: skip


def pairs_of(slowdown, spread=0.02, outlier_seconds=0.0):
    """Return three pairs with a slowdown in percent, and one slow step at another place in each."""
    factor = 1 / (1 - slowdown / 100)
    for number in range(3):
        steps = [factor * (1 + spread * (number - 1))] * 20
        steps[5 * number] += outlier_seconds
        yield Pair(
            candidate_step_seconds=tuple(steps), base_step_seconds=(1.0,) * 20, steps_per_turn=1,
            log_ratio=0.1,
        )  # fmt: skip


def verdict(outcome, slowdown, **changes):
    return Verdict(
        outcome=outcome, tolerance_percent=5, slowdown_percent=slowdown, samples_per_second=90,
        baseline_samples_per_second=100, slowdown_percent_interval=(slowdown - 5, slowdown + 5), **{"method": Method.STEPS, **changes},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "slowdown", "is_accepted", "note"),
    [
        (Outcome.REGRESSED, 15.0, True, "accepted: slower by up to 15 %"),
        (Outcome.REGRESSED, 15.1, False, f"the marker accepts at most 15 % ({WHY})"),
        (Outcome.INCONCLUSIVE, 7.0, True, "accepted: slower by up to 15 %"),
        (Outcome.INCONCLUSIVE, 14.0, False, f"the marker accepts at most 15 % ({WHY})"),
        (
            Outcome.PASSED,
            2.0,
            False,
            "nothing had to be accepted: remove accept_reason and its limits",
        ),
        (
            Outcome.IMPROVED,
            -20.0,
            False,
            "nothing had to be accepted: remove accept_reason and its limits",
        ),
    ],
)
def test_a_slowdown_is_accepted_up_to_its_limit(outcome, slowdown, is_accepted, note):
    change = AcceptedChange(WHY, FILE, max_slowdown=15.0)
    result = accept_change(change, verdict(outcome, slowdown), duet(pairs=pairs_of(slowdown)))
    assert (result.accepted is not None) is is_accepted
    assert result.outcome is outcome
    assert result.evidence[-1].startswith(note)
    if is_accepted:
        assert result.accepted.reason == WHY
        assert f"  accepted  {WHY}" in explain(result).splitlines()


@pytest.mark.parametrize("outcome", [Outcome.REGRESSED, Outcome.INCONCLUSIVE])
def test_slow_steps_at_other_places_in_each_launch_are_not_accepted_unseen(outcome):
    change = AcceptedChange(WHY, FILE, max_slowdown=15.0)
    scattered = duet(pairs=pairs_of(1.0, outlier_seconds=10.0))
    assert accept_change(change, verdict(outcome, 1.0), scattered).accepted is None
    assert accept_change(change, verdict(outcome, 1.0), duet(pairs=pairs_of(1.0))).accepted


@pytest.mark.parametrize(("breaks", "remaining"), [(1, 0), (2, 0), (3, 1)])
def test_a_counter_is_accepted_up_to_its_limit(breaks, remaining):
    change = AcceptedChange(WHY, FILE, max_counters={"dynamo_graph_breaks": 2})
    base, candidate = counts(0), counts(breaks, *(f"a.py:{line}: print" for line in range(breaks)))
    effective_base = base_counts_with(change, base, candidate)
    assert len(counter_regressions(effective_base, candidate)) == remaining
    assert base_counts_with(None, base, candidate) == base


def test_an_accepted_counter_is_told_with_its_reason_and_stays_in_the_record():
    change = AcceptedChange(WHY, FILE, max_counters={"dynamo_graph_breaks": 1})
    broken = duet(counts(0), counts(1, "a.py:3: print"))
    result = accept_change(change, verdict(Outcome.PASSED, 1.0), broken)
    assert result.accepted.reason == WHY
    assert result.evidence == ("accepted: 1 graph break, 0 before: a.py:3: print",)


def test_a_slowdown_beside_an_accepted_counter_is_not_accepted():
    change = AcceptedChange(WHY, FILE, max_counters={"dynamo_graph_breaks": 1})
    broken = duet(counts(0), counts(1, "a.py:3: print"))
    assert accept_change(change, verdict(Outcome.REGRESSED, 12.0), broken).accepted is None


def test_a_counter_beside_an_accepted_slowdown_is_not_accepted():
    change = AcceptedChange(WHY, FILE, max_slowdown=15.0)
    by_counters = verdict(Outcome.REGRESSED, 12.0, method=Method.COUNTERS, reason="1 graph break")
    assert accept_change(change, by_counters, duet(counts(0), counts(1))).accepted is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (f"x = mark(accept_reason={WHY!r})", True),
        ('x = mark(accept_reason="checkpointing "\n  "halves the memory")', True),
        (f"# {WHY}", False),
        ('x = mark(accept_reason="checkpointing" + why)', False),
        (f"x = {WHY + '!'!r}", False),
        ("no python at all", False),
        (f"# -*- coding: latin-1 -*-\nx = '\xe9', {WHY!r}".encode("latin-1"), True),
    ],
)
def test_the_reason_must_be_a_string_of_the_tests_file(source, expected):
    assert contains_text(source, WHY) is expected


def test_a_counter_that_fails_no_test_cannot_be_accepted():
    limits = Limits(accept_reason=WHY, accept_counters={"graph_breaks": 1})
    with pytest.raises(ConfigurationError, match=r"can fail a test are .*dynamo_graph_breaks"):
        accepted_change(limits, FILE)
    assert accepted_change(Limits(), FILE) is None
