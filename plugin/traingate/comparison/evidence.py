"""Attribute a verdict to code or environment, and add the evidence for that. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from traingate.baselines.lookup import Baseline
from traingate.comparison.duet import DuetResult
from traingate.comparison.next_step import CodeRelation
from traingate.comparison.screen import Screen
from traingate.records import Cause, Outcome, Verdict
from traingate.report.verdict import loss_in_words


def attribute(
    screen: Screen,
    code: CodeRelation,
    duet_result: DuetResult | None,
    obstacle: str | None,
    missing_commit: str | None = None,
) -> Verdict:
    """Return the final verdict on a test that was screened by stored launches.

    Args:
        screen: Comparison of all launches with the stored ones.
        code: Relation of the working tree to the baseline's commit.
        duet_result: Duet against that commit, None if there was none.
        obstacle: Reason for which a duet could not be measured; None if there was no failure.
        missing_commit: Sentences on how to get the baseline's commit; None if it is there, or
            unknown.
    """
    if screen.counter_regressions:
        return _add_cause(screen.verdict, Cause.EITHER if screen.environment_changes else None)
    if duet_result is not None:
        if screen.environment_changes:
            return _attribute_in_changed_environment(screen, duet_result)
        return _attribute_to_code(screen, code, duet_result)
    is_open = screen.verdict.outcome in {Outcome.INCONCLUSIVE, Outcome.REGRESSED}
    if is_open and code is CodeRelation.SAME and not screen.environment_changes:
        return _attribute_to_nothing(screen)
    if screen.verdict.outcome is Outcome.REGRESSED:
        return _attribute_without_duet(screen, code, obstacle, missing_commit)
    if screen.verdict.outcome is Outcome.INCONCLUSIVE and missing_commit:
        obstacle = f"there was no duet with the baseline's commit: {missing_commit}"
    return _add_cause(screen.verdict, None, *([obstacle] if obstacle else []))


def attribute_sides(
    verdict: Verdict, *, reference: str | None, other_python: bool, code: CodeRelation
) -> Verdict:
    """Return the verdict of a requested duet, attributed to the difference between its sides.

    Args:
        verdict: Verdict of the duet.
        reference: Name of the base's commit as the user gave it, None for the working tree.
        other_python: True if the base is in another environment.
        code: Comparison of the working tree with that commit.
    """
    if verdict.outcome is not Outcome.REGRESSED:
        return verdict
    if reference is None:
        return _add_cause(verdict, Cause.ENVIRONMENT)
    if other_python:
        return _add_cause(verdict, Cause.EITHER)
    if code is CodeRelation.SAME:
        sentence = (
            f"the tracked files are those of {reference}: only files that git does not track can "
            "differ"
        )
        return _add_cause(verdict, None, sentence)
    return _add_cause(verdict, Cause.CODE)


def attribute_on_another_machine(
    verdict: Verdict, baseline: Baseline, code: CodeRelation, environment_changes: Sequence[str]
) -> Verdict:
    """Return the verdict of a duet that replaces a comparison with another machine's launches.

    Args:
        verdict: Verdict of the duet with the baseline's commit.
        baseline: Baseline, whose machine is another one.
        code: Comparison of the working tree with that commit.
        environment_changes: Differences of the baseline's software and settings, a line each.
    """
    slower_code = verdict.outcome is Outcome.REGRESSED and code is CodeRelation.DIFFERENT
    sentences = [
        f"{baseline.title} is of another machine ({'; '.join(baseline.machine_differences)}): a "
        "duet with its commit on this machine decided"
    ]
    if environment_changes:
        sentences.append(
            "both sides of the duet ran in the present environment, so it does not show the effect "
            f"of {'; '.join(environment_changes)}"
        )
    return _add_cause(verdict, Cause.CODE if slower_code else None, *sentences)


def _attribute_to_code(screen: Screen, code: CodeRelation, duet_result: DuetResult) -> Verdict:
    """Return the verdict of the duet: in an unchanged environment the code alone can differ.

    If the stored launches were faster and the duet finds the code no slower, something that no
    record lists has made the training slower. Nobody can say that it is harmless, so the verdict is
    INCONCLUSIVE.
    """
    verdict, screen_verdict = duet_result.verdict, screen.verdict
    slower_code = verdict.outcome is Outcome.REGRESSED and code is CodeRelation.DIFFERENT
    sentence = (
        f"screened by {screen_verdict.baseline}: {_change(screen_verdict)} than its "
        f"{screen_verdict.baseline_launches} launches, so a duet was measured"
    )
    if screen.shows_slowdown and duet_result.passes:
        verdict = msgspec.structs.replace(
            verdict,
            outcome=Outcome.INCONCLUSIVE,
            disagreement=_disagreement(screen_verdict, verdict),
        )
    return _add_cause(verdict, Cause.CODE if slower_code else None, sentence)


def _attribute_to_nothing(screen: Screen) -> Verdict:
    """Return the verdict on the baseline's own code in the baseline's own environment.

    No recorded cause can have made it slower, so it passes, though its launches alone leave that
    open. If they are slower nevertheless, be it on a slower machine, nobody can say that it is
    harmless.
    """
    verdict = screen.verdict
    if verdict.outcome is Outcome.REGRESSED or screen.is_above_tolerance:
        disagreement = (
            "code and environment are those of the stored launches by the records, and the "
            f"training is {_change(verdict)} than in {verdict.baseline}: the machine, or something "
            "that no record lists, is slower than it was"
        )
        verdict = msgspec.structs.replace(
            verdict, outcome=Outcome.INCONCLUSIVE, disagreement=disagreement
        )
        return _add_cause(verdict, None)
    sentence = (
        "the launches alone leave it open, but the training imported the files that it imported "
        "then, in the same environment: no recorded cause can have made it slower"
    )
    return _add_cause(msgspec.structs.replace(verdict, outcome=Outcome.PASSED), None, sentence)


def _disagreement(screen_verdict: Verdict, duet_verdict: Verdict) -> str:
    """Return a sentence on a screen and a duet that disagree for no recorded reason."""
    return (
        f"the stored launches and the duet disagree, and the records list no reason: the training "
        f"is {_change(screen_verdict)} than in {screen_verdict.baseline}, and the code "
        f"{_change(duet_verdict)} than its commit's ({duet_verdict.outcome.value}). The machine, "
        "or something that no record lists, is slower than it was"
    )


def _attribute_in_changed_environment(screen: Screen, duet_result: DuetResult) -> Verdict:
    """Return the verdict; the duet shows how much of a slowdown is the code's."""
    screen_verdict = screen.verdict
    if screen_verdict.outcome is Outcome.REGRESSED:
        causes = {Outcome.REGRESSED: Cause.BOTH, Outcome.INCONCLUSIVE: Cause.EITHER}
        cause = causes.get(duet_result.verdict.outcome, Cause.ENVIRONMENT)
        return _add_cause(screen_verdict, cause, _code_part(duet_result))
    if duet_result.verdict.outcome is not Outcome.REGRESSED:
        return _add_cause(screen_verdict, None, _code_part(duet_result))
    sentence = (
        f"the training is {_change(screen_verdict)} than in {screen_verdict.baseline}, which was "
        "measured in another environment"
    )
    return _add_cause(duet_result.verdict, Cause.CODE, *screen.environment_changes, sentence)


def _attribute_without_duet(
    screen: Screen, code: CodeRelation, obstacle: str | None, missing_commit: str | None
) -> Verdict:
    """Return a regression by stored launches, with its cause if it is clear without a duet."""
    environment_changed = bool(screen.environment_changes)
    if environment_changed and code is CodeRelation.SAME:
        return _add_cause(
            screen.verdict,
            Cause.ENVIRONMENT,
            "the tracked files are those of the baseline's commit",
        )
    sentence = obstacle or (
        "without the baseline's commit it cannot be determined whether the code has a part in it"
        + (f": {missing_commit}" if missing_commit else "")
    )
    if obstacle and environment_changed:
        sentence = f"the code differs too; {obstacle}"
    return _add_cause(screen.verdict, Cause.EITHER if environment_changed else None, sentence)


def _add_cause(verdict: Verdict, cause: Cause | None, *sentences: str) -> Verdict:
    """Return *verdict* with its cause, and with these sentences added to its evidence."""
    return msgspec.structs.replace(verdict, cause=cause, evidence=(*verdict.evidence, *sentences))


def _code_part(duet_result: DuetResult) -> str:
    """Return a sentence on the difference that the duet found in the present environment."""
    return (
        f"the code differs too: in this environment it is {_change(duet_result.verdict)} than "
        f"{duet_result.duet.base} ({duet_result.verdict.outcome.value})"
    )


def _change(verdict: Verdict) -> str:
    """Return the slowdown of a verdict in words."""
    return loss_in_words(verdict.slowdown_percent or 0.0)
