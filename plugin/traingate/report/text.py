"""A verdict in words, for a failing test and for the terminal."""

from __future__ import annotations

from traingate.records import Outcome, Verdict

_NEXT = {
    Outcome.REGRESSED: (
        "If the slowdown is intended, save a new baseline: run without --benchmark-compare and "
        "with --benchmark-save=NAME."
    ),
    Outcome.IMPROVED: "Save a new baseline to keep the gain: --benchmark-save=NAME.",
    Outcome.INCONCLUSIVE: (
        "The launches scatter too much for this tolerance: allow more with "
        "--traingate-launches=N, or a larger --traingate-tolerance."
    ),
}


def explain(verdict: Verdict) -> str:
    """The verdict, its evidence, and what to do: a few lines for a person."""
    if verdict.slowdown_percent is None:
        return f"{verdict.outcome.value}: {verdict.reason}"
    lines = [f"{verdict.outcome.value}: {_change(verdict)}"]
    for title, rate, launches, where in (
        ("baseline", verdict.baseline_samples_per_second, verdict.baseline_launches,
         verdict.baseline),
        ("now", verdict.samples_per_second, verdict.launches, None),
    ):  # fmt: skip
        source = f", {where}" if where else ""
        lines.append(f"  {title:<9} {rate:.4g} samples/s in {launches} launches{source}")
    lines.append(f"  tolerance {verdict.tolerance_percent:g} %{_missable(verdict)}")
    if verdict.reason:
        lines.append(f"  also      {verdict.reason}")
    if verdict.outcome in _NEXT:
        lines.append(f"  {_NEXT[verdict.outcome]}")
    return "\n".join(lines)


def _change(verdict: Verdict) -> str:
    slowdown = verdict.slowdown_percent
    assert slowdown is not None
    word = "lower" if slowdown >= 0 else "higher"
    text = f"throughput is {abs(slowdown):.1f} % {word} than the baseline's"
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
