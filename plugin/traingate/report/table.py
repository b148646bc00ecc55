"""Show the results table of a session on a terminal, as plain text, or as a picture."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from traingate import layers
from traingate.records import Measurement, Outcome, Verdict, stack_label
from traingate.report.cautions import cautions, has_nonfinite_loss
from traingate.report.published import published_table
from traingate.report.row import (
    Row,
    environment,
    in_thousands,
    samples_per_second,
    speedup,
    without_build,
)
from traingate.report.terminal_text import rendered_text, terminal_line

_STYLES = {
    Outcome.PASSED: "green",
    Outcome.IMPROVED: "bold green",
    Outcome.REGRESSED: "bold red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.NO_BASELINE: "yellow",
}
_WIDTH_WITHOUT_TERMINAL = 160

_ENOUGH_STEPS = 20
"""Number of compared steps that shows every slowdown that comes at least every 20th step."""


def table(rows: Sequence[Row]) -> Table:
    """Return the results table.

    Columns that are empty in all rows, such as those of price and verdict, are left out.

    Args:
        rows: Rows in the order of measuring.
    """
    records = [row.measurement for row in rows]
    columns: list[tuple[str, list[str | Text]]] = [
        ("test", [row.test for row in rows]),
        ("stack", [_stack(record) for record in records]),
        ("environment", [environment(record) for record in records]),
        ("step ms", [_step_milliseconds(record) for record in records]),
        ("samples/s", [samples_per_second(record) for record in records]),
        ("x plain", [speedup(record, records) for record in records]),
        ("roofline", [_roofline(record) for record in records]),
        ("K/$", [in_thousands(record.samples_per_dollar) for record in records]),
        ("peak RSS", [f"{record.peak_rss_bytes / 2**30:.2f} GiB" for record in records]),
        ("loss", [_loss(record) for record in records]),
        ("verdict", [_verdict(record.verdict) for record in records]),
    ]
    result = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    nonempty = [(title, cells) for title, cells in columns if any(str(cell) for cell in cells)]
    for title, _ in nonempty:
        left = title in {"test", "stack", "environment", "loss", "verdict"}
        result.add_column(title, justify="left" if left else "right", overflow="fold")
    for cells in zip(*(cells for _, cells in nonempty), strict=True):
        # Cells are Text, because rich would take the brackets of a test's parameters for markup.
        result.add_row(*map(_cell, cells))
    return result


def _cell(content: str | Text) -> Text:
    return content if isinstance(content, Text) else Text(terminal_line(content))


def footnotes(rows: Sequence[Row]) -> list[str]:
    """Return the notes below the table: its units, changes of the mathematics, the machine."""
    notes = [
        "samples/s with the 95 % interval between launches; roofline: share of what the matrix "
        "products in its precision (compute) or the memory allow"
    ]
    notes += _other_torch(rows)
    notes += _changes_of_mathematics(rows)
    notes += _few_compared_steps(rows)
    notes += _restarts(rows)
    notes += [f"{row.test}: {text}" for row in rows for text in cautions(row.measurement)]
    machine = rows[0].measurement.machine
    notes.append(f"machine: {machine.title}")
    return notes


def _changes_of_mathematics(rows: Sequence[Row]) -> list[str]:
    """Return a note for each layer of these rows that changes the result of the computation."""
    names = {layer.name for row in rows for layer in row.measurement.stack}
    layer_types = (getattr(layers, name) for name in layers.__all__)
    changes = {kind.name: kind.mathematics for kind in layer_types if kind.mathematics}
    return [
        f"{name} changes the mathematics: {change}"
        for name, change in changes.items()
        if name in names
    ]


def _other_torch(rows: Sequence[Row]) -> list[str]:
    """Return a note on the rows whose torch is not that of the environment that pytest ran in."""
    versions_today, tests = set(), []
    for row in rows:
        today = without_build(row.measurement.torch_today)
        versions_today |= {today} - {""}
        if today and without_build(row.measurement.environment.get("torch", "")) != today:
            tests.append(row.test)
    if not tests:
        return []
    return [
        f"not today's torch ({', '.join(sorted(versions_today))}): {', '.join(tests)}; x plain "
        "compares with the plain row of their environment if there is one, else with today's"
    ]


def _few_compared_steps(rows: Sequence[Row]) -> list[str]:
    """Return a note on the verdicts that slow steps, which come now and then, could escape."""
    tests = [
        f"{row.test} ({verdict.compared_steps})"
        for row in rows
        for verdict in [row.measurement.verdict]
        if verdict is not None and 0 < verdict.compared_steps < _ENOUGH_STEPS
    ]
    if not tests:
        return []
    return [
        f"slow steps that come less often than once in {_ENOUGH_STEPS} steps can escape these "
        f"verdicts, which rest on fewer: {', '.join(tests)}"
    ]


def _restarts(rows: Sequence[Row]) -> list[str]:
    """Return a note on the tests whose dataset is shorter than the measured steps."""
    counts = [max(len(launch.epoch_starts) for launch in row.measurement.launches) for row in rows]
    tests = [
        f"{row.test} ({count} times)" for row, count in zip(rows, counts, strict=True) if count
    ]
    if not tests:
        return []
    return [f"the dataset ended and was started again in the measured steps: {', '.join(tests)}"]


def render(rows: Sequence[Row], width: int | None, *, colour: bool) -> str:
    """Return table and notes as text.

    Args:
        rows: Rows in the order of measuring.
        width: Columns of the terminal; None if the text is not for a terminal.
        colour: True to add the escape sequences for colours.
    """
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=width or _WIDTH_WITHOUT_TERMINAL,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
    )
    print_to(console, rows)
    return rendered_text(buffer.getvalue())


def to_svg(rows: Sequence[Row], title: str) -> str:
    """Return table and notes as an SVG picture, which loads no fonts from the network.

    Args:
        rows: Rows in the order of measuring.
        title: Title of the picture.
    """
    console = Console(
        file=io.StringIO(), width=_WIDTH_WITHOUT_TERMINAL, record=True, highlight=False
    )
    print_to(console, rows)
    return re.sub(
        r"@font-face \{.*?\}", "", console.export_svg(title=terminal_line(title)), flags=re.DOTALL
    )


def print_to(console: Console, rows: Sequence[Row]) -> None:
    """Print table and notes to *console*, and the table of published figures if there are any.

    Args:
        console: Console to print to.
        rows: Rows in the order of measuring.
    """
    console.print(table(rows))
    for note in footnotes(rows):
        console.print(Text(terminal_line(note), style="dim"))
    published = published_table(rows)
    if published is not None:
        console.print()
        console.print(published.table)
        console.print(Text(terminal_line(published.note), style="dim"))


def _stack(record: Measurement) -> str:
    return stack_label(record.stack)


def _step_milliseconds(record: Measurement) -> str:
    return f"{1000 * record.batch_size / record.samples_per_second:.4g}"


def _roofline(record: Measurement) -> str:
    if record.roofline_share is None:
        return ""
    return f"{100 * record.roofline_share:.0f} % {record.bound}".strip()


def _loss(record: Measurement) -> str | Text:
    """Return a mark if the loss was not a number; empty if it was."""
    return Text("not finite", style="bold red") if has_nonfinite_loss(record) else ""


def _verdict(verdict: Verdict | None) -> Text:
    """Return the outcome and the change of throughput; empty without a verdict."""
    if verdict is None:
        return Text("")
    change = verdict.slowdown_percent
    suffix = "" if change is None else f" {-change:+.1f} %"
    if verdict.breaks_a_limit:
        return Text(f"{verdict.outcome.value}{suffix}, limit broken", style="bold red")
    suffix += ", accepted" if verdict.accepted is not None else ""
    return Text(f"{verdict.outcome.value}{suffix}", style=_STYLES[verdict.outcome])
