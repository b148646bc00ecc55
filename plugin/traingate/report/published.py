"""Show results next to published ones: samples per second, and samples per dollar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from traingate.records import Measurement, Published
from traingate.records.units import samples_per_dollar
from traingate.report.row import Row, in_thousands, samples_per_second, speedup
from traingate.report.terminal_text import terminal_line


@dataclass(frozen=True)
class PublishedTable:
    """Table of published figures with its note.

    Attributes:
        table: Table of results and published figures.
        note: Explanation of the columns, with the sources of the figures.
    """

    table: Table
    note: str


def published_table(rows: Sequence[Row]) -> PublishedTable | None:
    """Return a table of the rows that have published figures; None if no row has any.

    It has one column for each machine of the published figures. Samples per dollar follow from
    throughput and price, and are shown in thousands.

    Args:
        rows: All rows of the results table, with the plain rows, to which speed-ups are relative.
    """
    records = [row.measurement for row in rows]
    rows = [row for row in rows if row.measurement.published]
    if not rows:
        return None
    figures = [figure for row in rows for figure in row.measurement.published]
    machines = list(dict.fromkeys(_machine(figure) for figure in figures))
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    result.add_column("test")
    result_titles = ("samples/s here", "x plain", "K/$")
    for title in (*result_titles, *machines):
        # A Text, because rich would take brackets for markup.
        result.add_column(Text(terminal_line(title)), justify="right", overflow="fold")
    for row in rows:
        cells = [
            row.test,
            samples_per_second(row.measurement),
            speedup(row.measurement, records),
            in_thousands(row.measurement.samples_per_dollar),
            *(_published(row.measurement, machine) for machine in machines),
        ]
        result.add_row(*(Text(terminal_line(cell)) for cell in cells))
    sources = "; ".join(dict.fromkeys(figure.source for figure in figures))
    scales = ", ".join(sorted({row.measurement.scale for row in rows}))
    return PublishedTable(
        result,
        f"here: scale {scales}, whose model and batch may differ from the published ones. "
        f"published: samples/s (and K/$ at that machine's price; * derived). {sources}",
    )


def _machine(figure: Published) -> str:
    """Return the title of a machine's column: its name, and its price if that is known."""
    price = "" if figure.usd_per_hour is None else f", {figure.usd_per_hour:g} $/h"
    return f"{figure.machine or 'published'}{price}"


def _published(record: Measurement, machine: str) -> str:
    """Return the cell of a published figure; empty if *record* has none of this machine."""
    for figure in record.published:
        if _machine(figure) == machine:
            mark = "*" if figure.derived else ""
            text = f"{figure.samples_per_second:g}{mark}"
            if figure.usd_per_hour is None:
                return text
            dollars = samples_per_dollar(figure.samples_per_second, figure.usd_per_hour)
            return f"{text} ({in_thousands(dollars)}{mark})"
    return ""
