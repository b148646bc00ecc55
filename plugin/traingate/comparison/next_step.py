"""Decide after a comparison with stored launches: a verdict, more launches, or a duet. Pure.

docs/use/gate.md has these rules as a table, with one more row for stored launches of other
hardware, which ``AgainstStored`` has. tests/unit/test_next_step.py tests the others.
"""

from __future__ import annotations

from enum import Enum

from traingate.comparison.screen import Screen
from traingate.records import Outcome


class CodeRelation(Enum):
    """Relation of the working tree to the baseline's commit, which a duet would measure."""

    UNAVAILABLE = "no duet against the baseline's commit is possible"
    SAME = "the working tree has the files of the baseline's commit, and imported the same ones"
    DIFFERENT = "the working tree differs from the baseline's commit"


class Step(Enum):
    """Next step towards a verdict."""

    VERDICT = "the launches decide, or no further measurement could decide"
    MEASURE_MORE = "measure another launch to compare with the stored ones"
    DUET = "measure the working tree and the baseline's commit in turn, in the present environment"


def next_step(
    screen: Screen, code: CodeRelation, *, launches_left: bool, duet_passes: bool = False
) -> Step:
    """Return the step that follows from one look.

    Args:
        screen: Comparison of the launches so far with the stored ones.
        code: Relation of the working tree to the baseline's commit.
        launches_left: True if further launches of the candidate are allowed.
        duet_passes: True after a duet that found the code no slower. If the stored launches were
            faster nevertheless, in an environment that is the same by the records, something that
            they do not list is slower.
    """
    if duet_passes and not screen.environment_changes:
        return Step.MEASURE_MORE if screen.suspects_slowdown and launches_left else Step.VERDICT
    outcome = screen.verdict.outcome
    if screen.counter_regressions or outcome in {Outcome.PASSED, Outcome.IMPROVED}:
        return Step.VERDICT
    if not screen.environment_changes:
        if code is CodeRelation.DIFFERENT:
            return Step.DUET  # the code alone can differ
        if code is CodeRelation.SAME:  # a duet of the code with itself would show nothing
            is_worth_a_launch = screen.suspects_slowdown and launches_left
            return Step.MEASURE_MORE if is_worth_a_launch else Step.VERDICT
    elif outcome is not Outcome.INCONCLUSIVE or not launches_left:
        # Stored launches cannot separate the effect of the code from that of the environment.
        return Step.DUET if code is CodeRelation.DIFFERENT else Step.VERDICT
    undecided = outcome is Outcome.INCONCLUSIVE and launches_left
    return Step.MEASURE_MORE if undecided else Step.VERDICT
