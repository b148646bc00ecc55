"""Prepare the explanation of a change: causes, phases, operators and modules as tables."""

from __future__ import annotations

from collections.abc import Sequence

from traingate.records import Interval
from traingate.records.explanation import Explanation, PartChange, PhaseChange
from traingate.report.html.chart import Table, without_empty_columns


def attribution_tables(explanation: Explanation) -> list[tuple[str, Table]]:
    """Return the tables of an explanation with their titles, without those that are empty.

    Args:
        explanation: Explanation of a verdict.
    """
    tables = [
        ("Causes", _causes(explanation)),
        ("Phases", _phases(explanation.phases)),
        ("Operators", _parts(explanation.operators)),
        ("Modules", _parts(explanation.modules)),
    ]
    return [(title, without_empty_columns(table)) for title, table in tables if table.rows]


def _causes(explanation: Explanation) -> Table:
    table = _parts(explanation.causes)
    if not explanation.change:
        return table
    rest = explanation.unexplained_seconds
    row = [
        "unexplained",
        "",
        "",
        "",
        f"{1000 * rest:+.3f}",
        f"{100 * rest / explanation.change:.0f} %",
    ]
    return Table(table.columns, [*table.rows, [*row, ""]], table.left)


def _parts(parts: Sequence[PartChange]) -> Table:
    return Table(
        ("part", "calls", "base ms", "now ms", "change ms", "share", "95 % interval"),
        [
            [
                part.title,
                _calls(part),
                f"{1000 * part.base_seconds:.4g}",
                f"{1000 * part.seconds:.4g}",
                f"{1000 * part.change:+.3f}",
                f"{100 * part.share:.0f} %",
                _interval(part.share_interval, 100, ".0f"),
            ]
            for part in parts
        ],
    )


def _phases(phases: Sequence[PhaseChange]) -> Table:
    return Table(
        ("phase", "base ms", "now ms", "change ms", "95 % interval"),
        [
            [
                phase.phase,
                f"{1000 * phase.base_seconds:.4g}",
                f"{1000 * phase.seconds:.4g}",
                f"{1000 * phase.change:+.3f}",
                _interval(phase.change_interval, 1000, "+.3g"),
            ]
            for phase in phases
        ],
    )


def _calls(part: PartChange) -> str:
    """Return the calls per step, of both sides if they differ; empty if they were not counted."""
    before, now = f"{part.base_calls:g}", f"{part.calls:g}"
    if before == now:
        return "" if now == "0" else now
    return f"{before} to {now}"


def _interval(interval: Interval | None, factor: float, form: str) -> str:
    if interval is None:
        return ""
    low, high = (format(factor * end, form) for end in interval)
    return f"{low} to {high}"
