"""Prepare the ladder: the stacks of each workload, beside published figures if there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traingate.records import Measurement, Published, stack_label
from traingate.records.units import samples_per_dollar
from traingate.report.html.chart import (
    Chart,
    Table,
    significant,
    significant_list,
    without_empty_columns,
)
from traingate.report.row import environment, in_thousands, samples_per_second, speedup

_ROW_HEIGHT: Final = 34


@dataclass(frozen=True)
class Ladder:
    """Rows of one workload at one scale on one machine.

    Attributes:
        title: Name of the workload.
        subtitle: File of the workload, scale and machine.
        chart: Throughput of each row; None if there is a single row with nothing beside it.
        table: All figures of the rows.
        sources: Publications of the published figures.
    """

    title: str
    subtitle: str
    chart: Chart | None
    table: Table
    sources: tuple[str, ...]


def ladders(measurements: Mapping[str, Measurement]) -> list[Ladder]:
    """Return the ladder of each workload and scale, in the order of measuring.

    Args:
        measurements: Records by the full name of their test.
    """
    groups: dict[tuple[str, str, str, int], dict[str, Measurement]] = {}
    for test, record in measurements.items():
        machine = record.machine
        key = (record.workload, record.scale, machine.cpu, machine.cores)
        groups.setdefault(key, {})[test] = record
    return [_ladder(group) for group in groups.values()]


def workload_name(record: Measurement) -> str:
    """Return the name of a workload without its file."""
    return record.workload.rpartition("::")[2]


def row_label(record: Measurement) -> str:
    """Return the stack of a record, with its environment unless that is the one of pytest."""
    place = environment(record)
    return stack_label(record.stack) + (f" ({place})" if place else "")


def _ladder(group: Mapping[str, Measurement]) -> Ladder:
    records = list(group.values())
    first = records[0]
    file = first.workload.rpartition("::")[0]
    machine = first.machine.title
    published = [figure for record in records for figure in record.published]
    return Ladder(
        title=workload_name(first),
        subtitle=" · ".join(filter(None, [file, f"scale {first.scale}", machine])),
        chart=_chart(records) if len(records) > 1 or published else None,
        table=_table(group),
        sources=tuple(dict.fromkeys(figure.source for figure in published)),
    )


def _chart(records: Sequence[Measurement]) -> Chart:
    rows = [_row(record, records) for record in records]
    panels = [_panel(machine, records) for machine in _machines(records)]
    return Chart(
        kind="ladder",
        label=_label(records),
        data={"rows": rows, "panels": panels},
        table=None,  # that of the ladder has all values
        height=60 + _ROW_HEIGHT * len(rows),
    )


def _row(record: Measurement, records: Sequence[Measurement]) -> dict[str, Any]:
    low, high = record.samples_per_second_interval or (None, None)
    times = speedup(record, records)
    return {
        "label": row_label(record),
        "value": significant(record.samples_per_second),
        "low": significant(low),
        "high": significant(high),
        "text": samples_per_second(record)
        + (f", {times} x plain" if times and record.stack else ""),
    }


def _machines(records: Sequence[Measurement]) -> list[str]:
    return list(dict.fromkeys(figure.machine for record in records for figure in record.published))


def _panel(machine: str, records: Sequence[Measurement]) -> dict[str, Any]:
    """Return the published figures of one machine, one for each row or None."""
    figures = [_figure(record, machine) for record in records]
    return {
        "title": f"published, {machine}" if machine else "published",
        "values": significant_list(
            None if figure is None else figure.samples_per_second for figure in figures
        ),
        "texts": ["" if figure is None else _published_text(figure) for figure in figures],
    }


def _figure(record: Measurement, machine: str) -> Published | None:
    return next((figure for figure in record.published if figure.machine == machine), None)


def _published_text(figure: Published) -> str:
    """Return a published throughput, with an asterisk if it was computed from published figures."""
    return f"{figure.samples_per_second:g}{'*' if figure.derived else ''}"


def _label(records: Sequence[Measurement]) -> str:
    slowest = min(records, key=lambda record: record.samples_per_second)
    fastest = max(records, key=lambda record: record.samples_per_second)
    return (
        f"Throughput of {len(records)} stacks of {workload_name(records[0])}: from "
        f"{slowest.samples_per_second:.4g} samples/s ({row_label(slowest)}) to "
        f"{fastest.samples_per_second:.4g} samples/s ({row_label(fastest)})"
    )


def _table(group: Mapping[str, Measurement]) -> Table:
    records = list(group.values())
    rows = []
    for test, record in group.items():
        share = record.roofline_share
        rows.append(
            [
                row_label(record),
                samples_per_second(record),
                speedup(record, records),
                "" if share is None else f"{100 * share:.0f} %",
                record.bound,
                in_thousands(record.samples_per_dollar),
                f"{record.peak_memory_bytes / 2**30:.2f}",
                *(_published_cell(record, machine) for machine in _machines(records)),
                test.rpartition("::")[2],
            ]
        )
    machines = [f"{machine or 'published'}" for machine in _machines(records)]
    columns = (
        "stack", "samples/s", "x plain", "roofline", "limit", "K/$",
        "peak GiB", *machines, "test",
    )  # fmt: skip
    left = (0, 4, len(columns) - 1)
    return without_empty_columns(Table(columns, rows, left))


def _published_cell(record: Measurement, machine: str) -> str:
    """Return a published figure, with thousand samples per dollar if its price is known."""
    figure = _figure(record, machine)
    if figure is None:
        return ""
    text = _published_text(figure)
    if figure.usd_per_hour is None:
        return text
    dollars = samples_per_dollar(figure.samples_per_second, figure.usd_per_hour)
    return f"{text}, {in_thousands(dollars)} K/$"
