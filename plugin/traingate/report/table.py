"""The results table at the end of a session, and its rendering without a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from traingate import layers
from traingate.records import Measurement, Outcome, Verdict, stack_label
from traingate.report.published import published_table
from traingate.report.row import Row, samples_per_second, speedup, thousands

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.IMPROVED: "bold green",
    Outcome.REGRESSED: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.NO_BASELINE: "yellow",
}
_WITHOUT_TERMINAL = 160


def table(rows: Sequence[Row]) -> Table:
    """The results, in the order of measuring.

    Columns that no row fills (price, published figures, verdicts) are left out.
    """
    records = [row.measurement for row in rows]
    columns: list[tuple[str, list[str | Text]]] = [
        ("test", [row.test for row in rows]),
        ("stack", [_stack(record) for record in records]),
        ("step ms", [_step(record) for record in records]),
        ("samples/s", [samples_per_second(record) for record in records]),
        ("x plain", [speedup(record, records) for record in records]),
        ("roofline", [_share(record) for record in records]),
        ("K/$", [thousands(record.samples_per_dollar) for record in records]),
        ("peak RSS", [f"{record.peak_rss_bytes / 2**30:.2f} GiB" for record in records]),
        ("verdict", [_verdict(record.verdict) for record in records]),
    ]
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    filled = [(title, cells) for title, cells in columns if any(str(cell) for cell in cells)]
    for title, _ in filled:
        left = title in {"test", "stack", "verdict"}
        result.add_column(title, justify="left" if left else "right", overflow="fold")
    for cells in zip(*(cells for _, cells in filled), strict=True):
        # As Text: rich would take the brackets of a test's parameters for markup.
        result.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in cells))
    return result


def footnotes(rows: Sequence[Row]) -> list[str]:
    """What the reader of the table must know to read it right."""
    notes = [
        "samples/s with the 95 % interval between launches; roofline: share of the fp32 GEMM "
        "rate that the yardstick reached meanwhile"
    ]
    notes += _changes_of_mathematics(rows)
    machine = rows[0].measurement.machine
    notes.append(f"machine: {machine.cpu}, {machine.cores} cores")
    return notes


def _changes_of_mathematics(rows: Sequence[Row]) -> list[str]:
    """What the layers measured change in what is computed, once for each."""
    used = {layer.name for row in rows for layer in row.measurement.stack}
    shipped = (getattr(layers, name) for name in layers.__all__)
    changes = {kind.name: kind.mathematics for kind in shipped if kind.mathematics}
    return [
        f"{name} changes the mathematics: {how}" for name, how in changes.items() if name in used
    ]


def render(rows: Sequence[Row], width: int | None, *, colour: bool) -> str:
    """Table and notes as text of at most ``width`` columns, None where it is no terminal."""
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width or _WITHOUT_TERMINAL,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
    )
    print_to(console, rows)
    return buffer.getvalue()


def picture(rows: Sequence[Row], title: str) -> str:
    """Table and notes as an SVG that loads nothing from elsewhere."""
    console = Console(file=io.StringIO(), width=_WITHOUT_TERMINAL, record=True, highlight=False)
    print_to(console, rows)
    return re.sub(r"@font-face \{.*?\}", "", console.export_svg(title=title), flags=re.DOTALL)


def print_to(console: Console, rows: Sequence[Row]) -> None:
    """Print table and notes to ``console``, and beside them what others have published."""
    console.print(table(rows))
    for note in footnotes(rows):
        console.print(Text(note, style="dim"))
    compared = published_table(rows)
    if compared is not None:
        console.print()
        console.print(compared.table)
        console.print(Text(compared.note, style="dim"))


def _stack(record: Measurement) -> str:
    return stack_label(record.stack)


def _step(record: Measurement) -> str:
    return f"{1000 * record.batch_size / record.samples_per_second:.4g}"


def _share(record: Measurement) -> str:
    return "" if record.roofline_share is None else f"{100 * record.roofline_share:.0f} %"


def _verdict(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text("")
    change = verdict.slowdown_percent
    suffix = "" if change is None else f" {-change:+.1f} %"
    if verdict.breaks_a_limit:
        return Text(f"{verdict.outcome.value}{suffix}, limit broken", style="bold red")
    return Text(f"{verdict.outcome.value}{suffix}", style=_STYLES[verdict.outcome])
