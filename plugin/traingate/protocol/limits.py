"""Limit the size of a message, in both directions.

A child cannot say which part of a command is too large, because it reads none of a command that it
refuses. So the controller checks the same limits before it sends, and those of arguments and
options before it starts a child.
"""

from __future__ import annotations

import json
from typing import Any, Final

from traingate.untrusted.json_size import count_values

MAX_MESSAGE_BYTES: Final = 64 << 20
"""Largest message. Profiles, the largest that are usual, have a few MiB."""

MAX_MESSAGE_VALUES: Final = 1_000_000
"""Largest number of values in a message: each takes up to 200 bytes. Profiles have some ten
thousand."""

MAX_DEPTH: Final = 90
"""Largest depth of a value of JSON; readers of records allow a few levels more."""

MAX_OPTION_DEPTH: Final = MAX_DEPTH - 1
"""The same for an argument of a workload or an option of a layer, which an object surrounds."""


def excess_of(value: object) -> str:
    """Return by what an argument or options are too large for a message; empty if they fit.

    Args:
        value: Value of JSON, as ``json_values.as_json`` returns it.

    Raises:
        ValueError: If Python cannot write it, as an integer of thousands of digits.
    """
    if _is_deeper(value, MAX_OPTION_DEPTH):
        return too_deep(MAX_OPTION_DEPTH)
    return excess_of_text(json.dumps(value).encode())


def too_deep(levels: int) -> str:
    """Return the description of a value that is nested more deeply than *levels*."""
    return f"values that are nested more than {levels} levels deep"


def excess_of_text(text: bytes) -> str:
    """Return by what a text of JSON is too large for a message, in words; empty if it fits."""
    values = count_values(text)
    if values > MAX_MESSAGE_VALUES:
        return (
            f"{values:,} values (commas and brackets in texts count too), and at most "
            f"{MAX_MESSAGE_VALUES:,} fit into a message to a worker"
        )
    if len(text) > MAX_MESSAGE_BYTES:
        mebibytes = MAX_MESSAGE_BYTES >> 20
        return f"{len(text):,} bytes, and at most {mebibytes} MiB fit into a message to a worker"
    return ""


def _is_deeper(value: Any, levels: int) -> bool:
    """Return whether more than *levels* lists and objects are inside of each other."""
    if not isinstance(value, (dict, list)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels < 1 or any(_is_deeper(item, levels - 1) for item in items)
