"""Bound the memory that a text of JSON takes when it is decoded, by counts of its bytes.

This module imports the standard library alone: hooks of pytest and workers import it.
"""

from __future__ import annotations

from typing import Final

MAX_VALUES: Final = 16_000_000
"""Largest number of values in a text of JSON.

Each takes 100 bytes when it is decoded, twice that as an object, and as little as one in a text
that was made for that. Saved runs of a thousand tests have some millions.
"""

_STARTS: Final = (b",", b"[", b"{")
"""What may begin a value. Commas alone would not count lists that are nested in each other."""


def count_values(text: bytes) -> int:
    """Return the number of values that a text of JSON has at most, or a part of such a text.

    The first value of a list or an object counts with it. Marks within strings count too.
    """
    return sum(map(text.count, _STARTS))
