"""Our results beside those that somebody published: samples per second, and per dollar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from traingate.records import Measurement, Published
from traingate.records.units import samples_per_dollar
from traingate.report.row import Row, samples_per_second, speedup, thousands


@dataclass(frozen=True)
class PublishedTable:
    """The table, and what its reader must know."""

    table: Table
    note: str


def published_table(rows: Sequence[Row]) -> PublishedTable | None:
    """The rows that have published figures, beside them; None if there are none.

    A column for each machine that figures were published of. Samples per dollar follow from
    throughput and price; their unit is a thousand.
    """
    records = [row.measurement for row in rows]
    rows = [row for row in rows if row.measurement.published]
    if not rows:
        return None
    figures = [figure for row in rows for figure in row.measurement.published]
    machines = list(dict.fromkeys(_machine(figure) for figure in figures))
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    result.add_column("test")
    ours = ("samples/s here", "x plain", "K/$")
    for title in (*ours, *machines):
        result.add_column(title, justify="right", overflow="fold")
    for row in rows:
        cells = [
            row.test,
            samples_per_second(row.measurement),
            speedup(row.measurement, records),
            thousands(row.measurement.samples_per_dollar),
            *(_published(row.measurement, machine) for machine in machines),
        ]
        result.add_row(*map(Text, cells))
    sources = "; ".join(dict.fromkeys(figure.source for figure in figures))
    scales = ", ".join(sorted({row.measurement.scale for row in rows}))
    return PublishedTable(
        result,
        f"here: scale {scales}, whose model and batch may be others than those published. "
        f"published: samples/s (and K/$ at that machine's price; * derived). {sources}",
    )


def _machine(figure: Published) -> str:
    price = "" if figure.usd_per_hour is None else f", {figure.usd_per_hour:g} $/h"
    return f"{figure.machine or 'published'}{price}"


def _published(record: Measurement, machine: str) -> str:
    for figure in record.published:
        if _machine(figure) == machine:
            mark = "*" if figure.derived else ""
            text = f"{figure.samples_per_second:g}{mark}"
            if figure.usd_per_hour is None:
                return text
            dollars = samples_per_dollar(figure.samples_per_second, figure.usd_per_hour)
            return f"{text} ({thousands(dollars)}{mark})"
    return ""
