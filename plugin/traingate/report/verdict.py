"""Describe a verdict in words, for a failing test and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from traingate.gate.reduction import pairs_change
from traingate.gate.statistics import loss_percent
from traingate.records import AnchorResult, Cause, Measurement, Method, Outcome, Pair, Verdict
from traingate.report.explanation import explanation_lines
from traingate.report.terminal_text import terminal_text

_ADVICE = {
    Outcome.REGRESSED: (
        "If the slowdown is intended: against a commit, say so in the test's marker, with "
        "accept_slowdown or accept_counters and accept_reason; with stored runs, save this one "
        "with --benchmark-save=NAME and make it the baseline: traingate accept --reason=WHY."
    ),
    Outcome.IMPROVED: (
        "If stored runs are your gate, save a new baseline to keep the gain: --benchmark-save=NAME."
    ),
    Outcome.INCONCLUSIVE: (
        "The measurements do not decide at this tolerance: allow more launches with "
        "--traingate-launches=N, or a larger --traingate-tolerance. If the evidence names another "
        "obstacle, remove that first."
    ),
}

_DISAGREEMENT_ADVICE = (
    "Measure again: another program may have been busy. If the slowdown stays, look for what has "
    "changed on this machine. Then save a new baseline with --benchmark-save=NAME in a run without "
    "--benchmark-compare, or accept the record of a run with it: traingate accept --test=NAME "
    "--reason=WHY."
)

_CAUSES = {
    None: "",
    Cause.CODE: "by the code: ",
    Cause.ENVIRONMENT: "by the environment, not by the code: ",
    Cause.BOTH: "by the code, in another environment: ",
    Cause.EITHER: "in another environment: ",
}

_DUET_METHODS: dict[Method | None, str] = {
    Method.STEPS: "side by side, step by step, in pairs of fresh processes",
    Method.TURNS: (
        "launch by launch instead of step by step, which is less precise: both sides together may "
        "not fit into memory"
    ),
}


def needs_explanation(verdict: Verdict) -> bool:
    """Return whether a verdict that did not fail its test needs more text than its outcome.

    An INCONCLUSIVE verdict needs none here, since a warning has reported it.
    """
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return False
    is_gain = verdict.outcome is Outcome.IMPROVED
    return is_gain or verdict.method in _DUET_METHODS or bool(verdict.evidence)


def interruption_text(test: str, measurement: Measurement, pairs: Sequence[Pair]) -> str:
    """Return a sentence on a test whose comparison was interrupted by Ctrl-C.

    Args:
        test: Full name of the test.
        measurement: Measurement of the candidate alone.
        pairs: Complete pairs of its duet.
    """
    estimate = ""
    if pairs:
        slowdown = loss_percent(pairs_change(pairs).repeatable.value)
        count = f"{len(pairs)} pairs" if len(pairs) > 1 else "one pair"
        estimate = f" after {count}, which measured it as {loss_in_words(slowdown)} than the base"
    rate = f"{measurement.samples_per_second:.4g} samples/s"
    return terminal_text(f"{test}: {rate}; the comparison was broken off{estimate}: no verdict")


def loss_in_words(slowdown_percent: float) -> str:
    """Return a loss of throughput in words, such as ``9.1 % slower``."""
    return f"{abs(slowdown_percent):.1f} % {'slower' if slowdown_percent >= 0 else 'faster'}"


def explain(verdict: Verdict) -> str:
    """Return the verdict, its evidence and advice as a few lines of text for a terminal."""
    return terminal_text(_explanation(verdict))


def _explanation(verdict: Verdict) -> str:
    if verdict.breaks_a_limit and verdict.outcome is not Outcome.REGRESSED:
        return _explain_broken_limits(verdict)
    if verdict.slowdown_percent is None:
        return f"{verdict.outcome.value}: {verdict.reason}"
    headline = _headline(verdict)
    lines = [f"{verdict.outcome.value}: {_CAUSES[verdict.cause]}{headline or _change(verdict)}"]
    if headline:
        lines.append(f"  {_change(verdict)}")
    is_duet = verdict.method in _DUET_METHODS
    for title, rate, launches, description in (
        ("base" if is_duet else "baseline", verdict.baseline_samples_per_second,
         verdict.baseline_launches, verdict.baseline),
        ("now", verdict.samples_per_second, verdict.launches, None),
    ):  # fmt: skip
        source = f", {description}" if description else ""
        lines.append(f"  {title:<9} {rate:.4g} samples/s in {launches} launches{source}")
    if is_duet:
        lines.append(f"  measured  {_DUET_METHODS[verdict.method]}")
    lines.append(f"  tolerance {verdict.tolerance_percent:g} %{_missable(verdict)}")
    if verdict.reason and verdict.method is not Method.COUNTERS:
        lines.append(f"  also      {verdict.reason}")
    lines += [f"  also      {limit}" for limit in verdict.broken_limits]
    lines += explanation_lines(verdict.explanation) if verdict.explanation else []
    lines += [
        f"  {'evidence' if number == 0 else '':<9} {line}"
        for number, line in enumerate(verdict.evidence)
    ]
    if verdict.anchor is not None:
        lines.append(f"  anchor    {_anchor(verdict.anchor)}")
    return "\n".join([*lines, *_closing_lines(verdict)])


def _closing_lines(verdict: Verdict) -> list[str]:
    """Return the acceptance of a verdict, or advice; empty if it needs neither."""
    if verdict.accepted is not None:
        return [f"  accepted  {verdict.accepted.reason}"]
    advice = _DISAGREEMENT_ADVICE if verdict.disagreement else _ADVICE.get(verdict.outcome)
    return [f"  {advice}"] if advice else []


def _headline(verdict: Verdict) -> str | None:
    """Return the sentence for the first line; None for the change of throughput itself."""
    if verdict.method is Method.COUNTERS:
        return verdict.reason
    if verdict.outcome is Outcome.REGRESSED and verdict.anchor is not None:
        return f"small losses have added up since the anchor, {verdict.anchor.title}"
    if verdict.disagreement is None and verdict.explanation is not None:
        return verdict.explanation.sentence
    return verdict.disagreement


def _explain_broken_limits(verdict: Verdict) -> str:
    """Return the broken limits of the marker, followed by the comparison if there was one."""
    is_older_record = not verdict.broken_limits
    limits = verdict.reason if is_older_record else "; ".join(verdict.broken_limits)
    comparison = msgspec.structs.replace(
        verdict, failed=False, broken_limits=(), reason=None if is_older_record else verdict.reason
    )
    is_compared = comparison.slowdown_percent is not None or comparison.reason is not None
    return "\n".join([f"FAILED: {limits}", *([_explanation(comparison)] if is_compared else [])])


def _change(verdict: Verdict) -> str:
    """Return a sentence on the change of throughput, with its interval and as a factor of time."""
    slowdown = verdict.slowdown_percent
    assert slowdown is not None
    word = "lower" if slowdown >= 0 else "higher"
    other_side = "base" if verdict.method in _DUET_METHODS else "baseline"
    text = f"throughput is {abs(slowdown):.1f} % {word} than the {other_side}'s"
    if verdict.slowdown_percent_interval is None:
        return text
    low, high = verdict.slowdown_percent_interval
    if slowdown < 0:
        low, high = -high, -low
    factors = [1 / (1 - value / 100) for value in (slowdown, *verdict.slowdown_percent_interval)]
    return (
        f"{text} (95 % interval {low:.1f} to {high:.1f} %; the steps take {factors[0]:.3g} times "
        f"as long, {factors[1]:.3g} to {factors[2]:.3g}){_changed_steps(verdict)}"
    )


def _changed_steps(verdict: Verdict) -> str:
    """Return a clause on the steps that carry most of the change; empty if all changed alike."""
    return f", most of it in {verdict.changed_steps}" if verdict.changed_steps else ""


def _anchor(anchor: AnchorResult) -> str:
    """Return a sentence on the comparison with the anchor."""
    if anchor.slowdown_percent is None:
        return f"{anchor.title}: {anchor.obstacle or 'nothing was compared'}"
    interval = anchor.slowdown_percent_interval
    text = f"{anchor.title}: {loss_in_words(anchor.slowdown_percent)} since then"
    if interval is not None:
        text += f" (95 % interval {interval[0]:.1f} to {interval[1]:.1f} %)"
    outcome = anchor.outcome.value if anchor.outcome else ""
    return f"{text}, {outcome} at a tolerance of {anchor.tolerance_percent:g} %"


def _missable(verdict: Verdict) -> str:
    """Return a clause on the largest slowdown that could have been missed; empty if REGRESSED."""
    missable = verdict.missable_slowdown_percent
    if missable is None or verdict.outcome is Outcome.REGRESSED:
        return ""
    return f"; slowdowns of up to {missable:.1f} % could have been missed"
