"""Prepare the charts of single steps: small charts side by side, with the same axes."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from traingate.records import Launch
from traingate.report.html.chart import (
    Chart,
    Number,
    Table,
    count_of,
    significant,
    significant_list,
)

MAX_POINTS: Final = 300
"""Number of steps that are drawn one by one; more of them are drawn in groups."""

_MAX_VISITS: Final = 120
"""Number of visits of the yardstick that are drawn; more of them would hide the steps."""

_PANEL_HEIGHT: Final = 150


@dataclass(frozen=True)
class Curve:
    """Steps of one side.

    Attributes:
        name: Name of the side.
        x: Place of each step, or of the middle of each group of steps.
        milliseconds: Milliseconds of the step, or mean of the group.
        slowest: Milliseconds of the slowest step of each group; empty for single steps.
        fastest: Milliseconds of the fastest step of each group.
        visits: Begin and end of each visit of the yardstick, on the same axis.
        epochs: Places of the steps in which the dataset was started again.
    """

    name: str
    x: list[Number]
    milliseconds: list[Number]
    slowest: list[Number]
    fastest: list[Number]
    visits: list[list[Number]] = field(default_factory=list)
    epochs: list[Number] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return the curve for the page."""
        return {
            "name": self.name,
            "x": self.x,
            "y": self.milliseconds,
            "high": self.slowest,
            "low": self.fastest,
            "visits": self.visits,
            "epochs": self.epochs,
        }


def launches_chart(launches: Sequence[Launch]) -> Chart:
    """Return the chart of the steps of each launch over its time.

    Args:
        launches: Launches in the order of measuring.
    """
    panels = [
        (
            f"launch {number}: {1000 * statistics.fmean(launch.step_seconds):.4g} ms",
            [_timed(launch)],
        )
        for number, launch in enumerate(launches, start=1)
        if launch.step_seconds
    ]
    means = [1000 * statistics.fmean(launch.step_seconds) for launch in launches]
    chart = small_multiples(
        panels,
        label=(
            f"Milliseconds of each step in {count_of(len(panels), 'launch', 'es')} over time: "
            f"means between {min(means):.4g} and {max(means):.4g}"
        ),
        axis="seconds",
    )
    return Chart(
        chart.kind, chart.label, chart.data, _table(launches), "Values of each launch", chart.height
    )


def small_multiples(
    panels: Sequence[tuple[str, Sequence[Curve]]], *, label: str, axis: str
) -> Chart:
    """Return a chart of several small ones with the same axes.

    Args:
        panels: Title and curves of each small chart.
        label: Main facts in words.
        axis: Unit of the horizontal axis.
    """
    return Chart(
        kind="steps",
        label=label,
        data={
            "axis": axis,
            "panels": [
                {"title": title, "curves": [curve.as_json() for curve in curves]}
                for title, curves in panels
            ],
        },
        table=_panels_table(panels),
        height=_PANEL_HEIGHT * math.ceil(len(panels) / 4) + 30,
    )


def step_curve(places: Sequence[float], seconds: Sequence[float], name: str) -> Curve:
    """Return the curve of some steps, in groups if there are very many of them.

    Args:
        places: Place of each step on the horizontal axis.
        seconds: Seconds of each step.
        name: Name of the side.
    """
    size = math.ceil(len(seconds) / MAX_POINTS)
    milliseconds = [1000 * second for second in seconds]
    starts = range(0, len(seconds), max(1, size))
    groups = [milliseconds[start : start + size] for start in starts]
    middles = [places[min(start + size // 2, len(places) - 1)] for start in starts]
    is_grouped = size > 1
    return Curve(
        name=name,
        x=significant_list(middles),
        milliseconds=significant_list(map(statistics.fmean, groups)),
        slowest=significant_list(map(max, groups)) if is_grouped else [],
        fastest=significant_list(map(min, groups)) if is_grouped else [],
    )


def _timed(launch: Launch) -> Curve:
    """Return the steps of a launch over its time, of which the yardstick takes its part."""
    visit_seconds = launch.yardstick_seconds or (0.0,) * (len(launch.steps_per_round) + 1)
    now = visit_seconds[0]
    visits = [[0.0, now]]
    places: list[float] = []
    steps = iter(launch.step_seconds)
    for size, visit in zip(launch.steps_per_round, visit_seconds[1:], strict=True):
        for _ in range(size):
            second = next(steps)
            places.append(now + second / 2)
            now += second
        visits.append([now, now + visit])
        now += visit
    curve = step_curve(places, launch.step_seconds, "now")
    if launch.yardstick_seconds and len(visits) <= _MAX_VISITS:
        curve.visits.extend(significant_list(visit) for visit in visits)
    epochs = [index for index in launch.epoch_starts if index < len(places)]
    curve.epochs.extend(significant(places[index]) for index in epochs)
    return curve


def _table(launches: Sequence[Launch]) -> Table:
    rows = []
    for number, launch in enumerate(launches, start=1):
        steps = [1000 * second for second in launch.step_seconds]
        yardstick = launch.yardstick_seconds
        rows.append(
            [
                str(number),
                str(len(steps)),
                f"{statistics.fmean(steps):.4g}",
                f"{statistics.median(steps):.4g}",
                f"{max(steps):.4g}",
                f"{1000 * statistics.fmean(yardstick):.4g}" if yardstick else "",
                f"{launch.first_step_seconds:.3g}",
                f"{launch.setup_seconds:.3g}",
                f"{(launch.peak_rss_bytes + launch.data_workers_peak_bytes) / 2**30:.2f}",
            ]
        )
    return Table(
        (
            "launch", "steps", "mean ms", "median ms", "slowest ms", "yardstick ms",
            "first step s", "setup s", "peak GiB",
        ),
        rows,
    )  # fmt: skip


def _panels_table(panels: Sequence[tuple[str, Sequence[Curve]]]) -> Table:
    rows = []
    for title, curves in panels:
        for curve in curves:
            drawn = [value for value in curve.milliseconds if value is not None]
            highest = [value for value in curve.slowest if value is not None] or drawn
            mean = f"{statistics.fmean(drawn):.4g}" if drawn else ""
            rows.append([title, curve.name, mean, f"{max(highest, default=0):.4g}"])
    return Table(("chart", "side", "mean ms", "slowest ms"), rows, left=(0, 1))
