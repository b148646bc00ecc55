"""Encode values as JSON, whatever characters are in their texts."""

from __future__ import annotations

from typing import Any

import msgspec

from traingate.untrusted.plain_text import without_surrogates_inside


def encode(value: Any, *, indent: int | None = None) -> bytes:
    """Return a value as JSON in UTF-8.

    Lone surrogates, as in names of files that are not UTF-8, are written as escapes: JSON in UTF-8
    cannot represent them. ``decode`` then returns these escapes as text.

    Args:
        value: Struct, or value that ``msgspec.to_builtins`` accepts.
        indent: Number of spaces for each level; None for no line feeds at all.
    """
    try:
        content = msgspec.json.encode(value)
    except UnicodeEncodeError:
        content = msgspec.json.encode(without_surrogates_inside(msgspec.to_builtins(value)))
    return content if indent is None else msgspec.json.format(content, indent=indent)
