"""Attribute a verdict to code or environment, and word the evidence for it. Pure."""

from __future__ import annotations

import msgspec

from traingate.comparison.duet import DuetResult
from traingate.comparison.next_step import BaseCode
from traingate.comparison.screen import Screen
from traingate.records import Cause, Outcome, Verdict
from traingate.report.verdict import loss_in_words


def attribute(
    screen: Screen, code: BaseCode, duet: DuetResult | None, obstacle: str | None
) -> Verdict:
    """Return the final verdict on a test that was screened by stored launches.

    Args:
        screen: Last look at the stored launches.
        code: Availability of the baseline's commit.
        duet: Duet against that commit, None if there was none.
        obstacle: Why a duet was tried and could not be measured, None if that did not happen.
    """
    if screen.counter_regressions:
        return _because(screen.verdict, Cause.EITHER if screen.environment_changes else None)
    if duet is not None:
        if screen.environment_changes:
            return _attribute_in_changed_environment(screen, duet)
        return _attribute_to_code(screen, code, duet)
    if screen.verdict.outcome is Outcome.REGRESSED:
        return _attribute_without_duet(screen, code, obstacle)
    return _because(screen.verdict, None, *([obstacle] if obstacle else []))


def attribute_sides(
    verdict: Verdict, *, reference: str | None, other_python: bool, code: BaseCode
) -> Verdict:
    """Return the verdict of a duet that was asked for, attributed to what its sides differ in.

    Args:
        verdict: Verdict of the duet.
        reference: Name of the base's commit as the user gave it, None for the working tree.
        other_python: True if the base has another interpreter.
        code: The working tree compared with that commit.
    """
    if verdict.outcome is not Outcome.REGRESSED:
        return verdict
    if reference is None:
        return _because(verdict, Cause.ENVIRONMENT)
    if other_python:
        return _because(verdict, Cause.EITHER)
    if code is BaseCode.SAME:
        why = f"the tree is {reference}'s own: only files that git does not know can differ"
        return _because(verdict, None, why)
    return _because(verdict, Cause.CODE)


def _attribute_to_code(screen: Screen, code: BaseCode, duet: DuetResult) -> Verdict:
    """Return the duet's verdict: in an unchanged environment the code alone can differ."""
    verdict, stored = duet.verdict, screen.verdict
    slower_code = verdict.outcome is Outcome.REGRESSED and code is BaseCode.DIFFERENT
    doubt = (
        f"screened by {stored.baseline}: {_change(stored)} beside its {stored.baseline_launches} "
        "launches, which a duet had to settle"
    )
    if stored.outcome is Outcome.REGRESSED and verdict.outcome is Outcome.PASSED:
        doubt += "; not by the code: the machine, or what no record lists, is slower than then"
    return _because(verdict, Cause.CODE if slower_code else None, doubt)


def _attribute_in_changed_environment(screen: Screen, duet: DuetResult) -> Verdict:
    """Return the verdict after a duet has told the code's part from the environment's."""
    stored = screen.verdict
    if stored.outcome is Outcome.REGRESSED:
        causes = {Outcome.REGRESSED: Cause.BOTH, Outcome.INCONCLUSIVE: Cause.EITHER}
        cause = causes.get(duet.verdict.outcome, Cause.ENVIRONMENT)
        return _because(stored, cause, _code_part(duet))
    if duet.verdict.outcome is not Outcome.REGRESSED:
        return _because(stored, None, _code_part(duet))
    why = f"beside {stored.baseline} it is {_change(stored)}, in another environment"
    return _because(duet.verdict, Cause.CODE, *screen.environment_changes, why)


def _attribute_without_duet(screen: Screen, code: BaseCode, obstacle: str | None) -> Verdict:
    """Return a regression by stored launches, with as much of its cause as can be known."""
    changed = bool(screen.environment_changes)
    if changed and code is BaseCode.SAME:
        return _because(screen.verdict, Cause.ENVIRONMENT, "the code is the baseline's own")
    why = obstacle or (
        "whether the code has a part in it cannot be told without the baseline's commit"
    )
    if obstacle and changed:
        why = f"the code differs too; {obstacle}"
    return _because(screen.verdict, Cause.EITHER if changed else None, why)


def _because(verdict: Verdict, cause: Cause | None, *why: str) -> Verdict:
    return msgspec.structs.replace(verdict, cause=cause, evidence=(*verdict.evidence, *why))


def _code_part(duet: DuetResult) -> str:
    """Return a sentence on what the duet saw of the code in today's environment."""
    return (
        f"the code differs too: in this environment it is {_change(duet.verdict)} than "
        f"{duet.duet.base} ({duet.verdict.outcome.value})"
    )


def _change(verdict: Verdict) -> str:
    return loss_in_words(verdict.slowdown_percent or 0.0)
