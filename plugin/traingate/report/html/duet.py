"""Prepare the charts of a duet: the ratio of each pair, and the steps of both sides."""

from __future__ import annotations

import math

from traingate.records import Duet, Pair, Verdict
from traingate.report import figures
from traingate.report.html.chart import Chart, Table, count_of, minus, significant, significant_list
from traingate.report.html.steps import Curve, small_multiples, step_curve


def change_of_pair(pair: Pair) -> float:
    """Return the candidate's throughput relative to the base's, as a change in percent."""
    # log_ratio is that of times, and throughput is the reverse of time.
    return 100 * math.expm1(-pair.log_ratio)


def pairs_chart(duet: Duet, verdict: Verdict) -> Chart:
    """Return the chart of the pairs in the order of measuring, with estimate and tolerance.

    Args:
        duet: Duet of a test.
        verdict: Verdict that rests on it.
    """
    changes = [change_of_pair(pair) for pair in duet.pairs]
    tolerance = verdict.tolerance_percent
    estimate = verdict.slowdown_percent
    interval = verdict.slowdown_percent_interval
    ends = interval and (-interval[1], -interval[0])
    estimated = "" if estimate is None else f", estimate {figures.percent(-estimate, ends)}"
    return Chart(
        kind="pairs",
        label=(
            f"Ratio of each of {count_of(len(changes), 'pair')}: between {min(changes):+.1f} and "
            f"{max(changes):+.1f} %, tolerance {tolerance:g} %{estimated}"
        ),
        data={
            "changes": significant_list(changes),
            "tolerance": tolerance,
            "estimate": significant(None if estimate is None else -estimate),
            "interval": significant_list(ends) if ends else None,
            # An improvement is judged by the same limits above zero.
            "shows_gains": max(changes) > tolerance,
        },
        table=Table(
            ("pair", "throughput of the candidate", "candidate ms", "base ms"),
            [
                [
                    str(number),
                    f"{change_of_pair(pair):+.2f} %",
                    f"{_mean_milliseconds(pair.candidate_step_seconds):.4g}",
                    f"{_mean_milliseconds(pair.base_step_seconds):.4g}",
                ]
                for number, pair in enumerate(duet.pairs, start=1)
            ],
        ),
        height=250,
    )


def pair_steps_chart(duet: Duet) -> Chart:
    """Return the chart of the steps of both sides, one small chart for each pair."""
    panels = [
        (
            minus(f"pair {number}: {change_of_pair(pair):+.1f} %"),
            [
                _numbered(pair.candidate_step_seconds, "now"),
                _numbered(pair.base_step_seconds, "base"),
            ],
        )
        for number, pair in enumerate(duet.pairs, start=1)
    ]
    return small_multiples(
        panels,
        label=f"Milliseconds of each step of both sides in {count_of(len(panels), 'pair')}",
        axis="step",
    )


def _numbered(seconds: tuple[float, ...], name: str) -> Curve:
    return step_curve([float(number) for number in range(1, len(seconds) + 1)], seconds, name)


def _mean_milliseconds(seconds: tuple[float, ...]) -> float:
    return 1000 * math.fsum(seconds) / len(seconds) if seconds else 0.0
