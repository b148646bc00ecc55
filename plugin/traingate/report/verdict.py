"""A verdict in words, for a failing test and for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from traingate.gate.statistics import loss_percent, paired_difference
from traingate.records import Cause, Measurement, Method, Outcome, Pair, Verdict

_NEXT = {
    Outcome.REGRESSED: (
        "If the slowdown is intended and stored runs are your gate, save this one with "
        "--benchmark-save=NAME and make it the baseline: traingate accept --reason=WHY."
    ),
    Outcome.IMPROVED: (
        "Where stored runs are your gate, save a new baseline to keep the gain: "
        "--benchmark-save=NAME."
    ),
    Outcome.INCONCLUSIVE: (
        "The launches scatter too much for this tolerance: allow more with "
        "--traingate-launches=N, or a larger --traingate-tolerance."
    ),
}

_CAUSES = {
    None: "",
    Cause.CODE: "by the code: ",
    Cause.ENVIRONMENT: "by the environment, not by the code: ",
    Cause.BOTH: "by the code, in another environment: ",
    Cause.EITHER: "in another environment: ",
}

_SIDE_BY_SIDE: dict[Method | None, str] = {
    Method.STEPS: "side by side, step by step, in pairs of fresh processes",
    Method.TURNS: (
        "launch by launch, since both do not fit into memory together: less surely than step by "
        "step"
    ),
}


def needs_explanation(verdict: Verdict) -> bool:
    """Whether a verdict that fails nothing has more to say than its outcome.

    An INCONCLUSIVE one is told by a warning.
    """
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return False
    improved = verdict.outcome is Outcome.IMPROVED
    return improved or verdict.method in _SIDE_BY_SIDE or bool(verdict.evidence)


def interrupted(test: str, measurement: Measurement, pairs: Sequence[Pair]) -> str:
    """What is known of a test whose comparison ended by Ctrl-C.

    Args:
        test: its name.
        measurement: of the candidate by itself.
        pairs: of its duet that were complete.
    """
    known = ""
    if pairs:
        slowdown = loss_percent(paired_difference([pair.log_ratio for pair in pairs]).value)
        count = f"{len(pairs)} pairs" if len(pairs) > 1 else "one pair"
        known = f" after {count}, which saw it {loss_in_words(slowdown)} than the base"
    rate = f"{measurement.samples_per_second:.4g} samples/s"
    return f"{test}: {rate}; the comparison was broken off{known}: no verdict"


def loss_in_words(slowdown_percent: float) -> str:
    """A loss of throughput in words."""
    return f"{abs(slowdown_percent):.1f} % {'slower' if slowdown_percent >= 0 else 'faster'}"


def explain(verdict: Verdict) -> str:
    """The verdict, its evidence, and what to do: a few lines for a person."""
    if verdict.breaks_a_limit:
        rest = msgspec.structs.replace(verdict, failed=False, reason=None)
        judged = [] if verdict.slowdown_percent is None else [explain(rest)]
        return "\n".join([f"FAILED: {verdict.reason}", *judged])
    if verdict.slowdown_percent is None:
        return f"{verdict.outcome.value}: {verdict.reason}"
    headline = verdict.reason if verdict.method is Method.COUNTERS else _change(verdict)
    lines = [f"{verdict.outcome.value}: {_CAUSES[verdict.cause]}{headline}"]
    if verdict.method is Method.COUNTERS:
        lines.append(f"  {_change(verdict)}")
    side_by_side = verdict.method in _SIDE_BY_SIDE
    for title, rate, launches, where in (
        ("base" if side_by_side else "baseline", verdict.baseline_samples_per_second,
         verdict.baseline_launches, verdict.baseline),
        ("now", verdict.samples_per_second, verdict.launches, None),
    ):  # fmt: skip
        source = f", {where}" if where else ""
        lines.append(f"  {title:<9} {rate:.4g} samples/s in {launches} launches{source}")
    if side_by_side:
        lines.append(f"  measured  {_SIDE_BY_SIDE[verdict.method]}")
    lines.append(f"  tolerance {verdict.tolerance_percent:g} %{_missable(verdict)}")
    if verdict.reason and verdict.method is not Method.COUNTERS:
        lines.append(f"  also      {verdict.reason}")
    lines += [
        f"  {'known' if number == 0 else '':<9} {line}"
        for number, line in enumerate(verdict.evidence)
    ]
    if verdict.outcome in _NEXT:
        lines.append(f"  {_NEXT[verdict.outcome]}")
    return "\n".join(lines)


def _change(verdict: Verdict) -> str:
    slowdown = verdict.slowdown_percent
    assert slowdown is not None
    word = "lower" if slowdown >= 0 else "higher"
    other = "base" if verdict.method in _SIDE_BY_SIDE else "baseline"
    text = f"throughput is {abs(slowdown):.1f} % {word} than the {other}'s"
    if verdict.slowdown_percent_interval is None:
        return text
    low, high = verdict.slowdown_percent_interval
    if slowdown < 0:
        low, high = -high, -low
    times = [1 / (1 - value / 100) for value in (slowdown, *verdict.slowdown_percent_interval)]
    return (
        f"{text} (95 % interval {low:.1f} to {high:.1f} %; a step takes {times[0]:.3g} times as "
        f"long, {times[1]:.3g} to {times[2]:.3g})"
    )


def _missable(verdict: Verdict) -> str:
    missable = verdict.missable_slowdown_percent
    if missable is None or verdict.outcome is Outcome.REGRESSED:
        return ""
    return f"; slowdowns of up to {missable:.1f} % could have been missed"
