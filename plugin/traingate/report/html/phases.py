"""Prepare the chart of the phases of a step: where its time goes, now and in the base."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Final

from traingate.causes.phases import phases_of_launches, phases_of_pairs
from traingate.records import Measurement
from traingate.records.explanation import PhaseChange
from traingate.report.html.chart import Chart, Table, significant

PHASES: Final = ("data", "transfer", "forward", "backward", "optimizer", "other")
"""Phases in their order within a step."""


def phases_chart(record: Measurement, baseline: Measurement | None) -> Chart | None:
    """Return the chart of the phases; None if none were recorded.

    The sides are those of the duet if it has phases, else the stored launches and the new ones.

    Args:
        record: Record of the test.
        baseline: Stored record that it was compared with; None if there is none.
    """
    pairs = record.duet.pairs if record.duet is not None else ()
    if any(pair.candidate_phase_seconds for pair in pairs):
        return _chart(phases_of_pairs(pairs, statistics.fmean), "base")
    if not any(launch.phase_seconds for launch in record.launches):
        return None
    has_base = baseline is not None and any(each.phase_seconds for each in baseline.launches)
    stored = baseline.launches if baseline is not None and has_base else record.launches
    return _chart(phases_of_launches(stored, record.launches), "baseline" if has_base else "")


def _chart(changes: Sequence[PhaseChange], base_title: str) -> Chart:
    """Return the chart.

    Args:
        changes: Seconds of each phase on both sides.
        base_title: Title of the other side; empty to show only the candidate.
    """
    by_name = {change.phase: change for change in changes}
    ordered = [by_name.pop(name) for name in PHASES if name in by_name] + [*by_name.values()]
    sides = [(base_title, [each.base_seconds for each in ordered])] if base_title else []
    sides.append(("now", [each.seconds for each in ordered]))
    names = [each.phase for each in ordered]
    bars = [
        {"title": title, "milliseconds": [significant(1000 * second) for second in seconds]}
        for title, seconds in sides
    ]
    totals = " and ".join(f"{1000 * sum(seconds):.4g} ms {title}" for title, seconds in sides)
    longest = max(ordered, key=lambda each: each.seconds)
    return Chart(
        kind="phases",
        label=(
            f"Phases of a step: {totals}; the longest is {longest.phase} with "
            f"{1000 * longest.seconds:.4g} ms"
        ),
        data={"names": names, "bars": bars},
        table=_table(ordered, base_title),
        height=70 + 44 * len(bars),
    )


def _table(changes: Sequence[PhaseChange], base_title: str) -> Table:
    if not base_title:
        return Table(
            ("phase", "ms per step"), [[c.phase, f"{1000 * c.seconds:.4g}"] for c in changes]
        )
    return Table(
        ("phase", f"{base_title} ms", "now ms", "change ms"),
        [
            [
                change.phase,
                f"{1000 * change.base_seconds:.4g}",
                f"{1000 * change.seconds:.4g}",
                f"{1000 * change.change:+.3g}",
            ]
            for change in changes
        ],
    )
