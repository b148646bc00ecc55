"""Write a history as text for a terminal, and as a table for notebooks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from traingate.errors import ConfigurationError
from traingate.records.history import History, LevelChange, Series
from traingate.report.figures import percent
from traingate.untrusted.files import write_atomically
from traingate.untrusted.plain_text import without_control_characters

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_MAX_BLOCKS: Final = 60
_MAX_NAMES: Final = 10

COLUMNS: Final = (
    "test", "stack", "scale", "batch_size", "environment", "machine", "commit", "date", "subject",
    "samples_per_second", "samples_per_second_low", "samples_per_second_high", "launches",
    "outcome", "failed", "accepted",
)  # fmt: skip
"""Columns of the table, which has a row for each point of each series."""


def history_text(history: History) -> str:
    """Return a history as text: for each series its changes, and the change since its anchor."""
    lines = [line for series in history.series for line in _series_lines(series, history)]
    lines += [f"Left out: {count} runs {reason}." for reason, count in history.left_out.items()]
    return without_control_characters("\n".join(lines)) + "\n"


def not_compared_text(history: History, anchor: str) -> str:
    """Return which benchmarks of the newest commit have no comparison with a named anchor.

    Args:
        history: History up to that commit.
        anchor: Name of the anchor.

    Returns:
        A sentence that names them; empty if all of them have a comparison.
    """
    names = [*dict.fromkeys(series.test for series in history.without_comparison)]
    further = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    text = ", ".join(names[:_MAX_NAMES]) + further
    if history.is_compared:
        return text and f"not compared with {anchor}, as no run up to it has them: {text}"
    suffix = f"; not compared: {text}" if text else ""
    return f"nothing was measured both up to {anchor} and after it, at the newest commit{suffix}"


def history_rows(history: History) -> Iterator[dict[str, Any]]:
    """Yield a row with the keys of ``COLUMNS`` for each point of each series."""
    for series in history.series:
        for point in series.points:
            commit = history.commits[point.commit]
            low, high = point.interval or (None, None)
            values = (
                series.test, series.stack, series.scale, series.batch_size,
                series.environment_name, series.machine, commit.hash, commit.date, commit.subject,
                point.samples_per_second, low, high, point.launches,
                point.outcome.value if point.outcome else None, point.failed, point.accepted,
            )  # fmt: skip
            yield dict(zip(COLUMNS, values, strict=True))


def history_csv(history: History) -> str:
    """Return the table of all points as CSV (RFC 4180, but with the ends of lines of Linux).

    Carriage returns would be lost on the way to a terminal. No text has a control sequence, or is a
    formula of a spreadsheet.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in history_rows(history):
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: object) -> object:
    """Return a value without what a terminal or a spreadsheet would obey rather than show."""
    if not isinstance(value, str):
        return value
    text = without_control_characters(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def write_parquet(history: History, file: Path) -> None:
    """Write the table of all points to a Parquet file.

    Raises:
        ConfigurationError: If pyarrow is not installed.
        OSError: If the file cannot be written.
    """
    try:
        import pyarrow as arrow  # noqa: PLC0415 - an extra
        from pyarrow import parquet  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigurationError(
            "Parquet files need pyarrow: pip install 'pytest-traingate[history]'"
        ) from error
    content = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist([*history_rows(history)]), content)
    write_atomically(file, content.getvalue())


def _series_lines(series: Series, history: History) -> Iterator[str]:
    details = [f"batch {series.batch_size}", f"scale {series.scale}", series.machine]
    if series.environment_name != "today":
        details.append(f"environment {series.environment_name}")
    yield f"{series.test} ({series.stack}; {', '.join(details)})"
    values = [point.samples_per_second for point in series.points]
    count = len(values)
    yield (
        f"  {_blocks(values)}  {values[-1]:.4g} samples/s at the newest of {count} "
        f"commit{'' if count == 1 else 's'}"
    )
    for change in series.changes:
        yield f"  {_change_line(change, series, history)}"
    since = series.since_anchor
    if since is not None and since.anchor < count - 1:
        word = ": a loss beyond the tolerance" if since.is_loss else ""
        if not history.is_current(series):
            word = " (not measured at the newest commit)"
        yield (
            f"  since {_commit(series, history, since.anchor)} [{since.reason}]: "
            f"{percent(since.change_percent, since.interval)}{word}"
        )
    yield ""


def _change_line(change: LevelChange, series: Series, history: History) -> str:
    size = percent(change.change_percent, change.interval)
    if change.kind == "jump":
        text = f"jump of {size} at {_commit(series, history, change.after)}"
    else:
        first, last = (
            _commit(series, history, index) for index in (change.before + 1, change.after)
        )
        text = f"creep of {size} over {change.after - change.before} commits, {first} to {last}"
    changed = series.points[change.after].environment_changes
    if change.kind == "jump" and changed:
        text += f"; the environment has changed: {'; '.join(changed)}"
    return f"{text}; accepted: {change.accepted}" if change.accepted else text


def _commit(series: Series, history: History, index: int) -> str:
    """Return a commit in words: its short name, and the first line of its message."""
    commit = history.commits[series.points[index].commit]
    if not commit.subject:
        return commit.hash
    return f"{commit.hash[:9]} ({commit.subject})"


def _blocks(values: Sequence[float]) -> str:
    """Return the newest values as a line of blocks, whose heights are between 0 and the largest."""
    shown = values[-_MAX_BLOCKS:]
    largest, smallest = max(shown), min(shown)
    low = min(smallest, 0.7 * largest)
    scale = (len(_BLOCKS) - 1) / ((largest - low) or 1)
    return "".join(_BLOCKS[round((value - low) * scale)] for value in shown)
