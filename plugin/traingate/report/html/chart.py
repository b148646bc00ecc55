"""Define a chart and a table, the two forms in which the report shows numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Number: TypeAlias = float | int | None
"""Number of a chart; None where it is unknown."""


@dataclass(frozen=True)
class Table:
    """Table of texts.

    Attributes:
        columns: Titles of the columns.
        rows: Texts of the cells.
        left: Indexes of the columns of words. All others have numbers, which are aligned right.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Chart:
    """Chart, which a script of the page draws from its data.

    Attributes:
        kind: Name of the function that draws it.
        label: Main facts in words, for people who do not see the chart.
        data: Data in the form that the function expects.
        table: Values of the chart, for people and for browsers without scripts; None if the page
            shows them elsewhere.
        table_title: Title of the folded table.
        height: Height in CSS pixels that is kept free until the chart is drawn.
    """

    kind: str
    label: str
    data: Mapping[str, Any]
    table: Table | None
    table_title: str = "Values of the chart"
    height: int = 240


def significant(value: float | None, digits: int = 5) -> Number:
    """Return a number rounded to significant digits; None if it is not finite.

    Args:
        value: Number.
        digits: Number of significant digits.
    """
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() else rounded


def significant_list(values: Iterable[float | None], digits: int = 5) -> list[Number]:
    """Return numbers rounded to significant digits."""
    return [significant(value, digits) for value in values]


def without_empty_columns(table: Table) -> Table:
    """Return the table without the columns that are empty in all rows."""
    kept = [
        index
        for index in range(len(table.columns))
        if any(row[index] for row in table.rows) or not table.rows
    ]
    return Table(
        [table.columns[index] for index in kept],
        [[row[index] for index in kept] for row in table.rows],
        left=tuple(new for new, index in enumerate(kept) if index in table.left),
    )


def count_of(number: int, noun: str, ending: str = "s") -> str:
    """Return a number with its noun, such as ``1 pair`` or ``5 pairs``."""
    return f"{number} {noun}{'' if number == 1 else ending}"


def minus(text: str) -> str:
    """Return a number in words with the sign for minus, which is as wide as that for plus."""
    return text.replace("-", "\N{MINUS SIGN}")
