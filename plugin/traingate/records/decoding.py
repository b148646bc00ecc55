"""Decode JSON that anybody may have written: whatever it holds, there is one kind of exception."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from traingate.untrusted.json_size import MAX_VALUES, count_values

_T = TypeVar("_T")

_NUMBERS: Final = re.compile(rb"\[[-+0-9.,eE\s]+\]")
"""List of numbers, such as the times of steps: most of a run's text."""

_SHOWN_CHARACTERS: Final = 60


class TooManyValuesError(msgspec.DecodeError):
    """Error of a text that would fill the memory when it is decoded."""


class _DuplicateKeyError(Exception):
    """Error of an object with two values of the same key."""


def decode(content: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    """Return the value of a type that *content* encodes as JSON.

    Raises:
        msgspec.MsgspecError: If it is not JSON, not UTF-8, not of this type, nested too deeply, or
            has too many values.
    """
    if isinstance(content, bytes):
        _check_count(content)
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"it is not UTF-8: {error.reason}") from error


def check_keys(content: bytes) -> None:
    """Check that no object of a text of JSON has the same key twice, as after a bad merge.

    ``decode`` would take the last of the values in silence. Objects are forgotten as soon as they
    are checked; lists take the memory that ``MAX_VALUES`` allows.

    Args:
        content: Text that ``decode`` has accepted, or Python's ``json``.

    Raises:
        msgspec.DecodeError: If an object has, or if they are nested too deeply.
    """
    try:
        # Without its numbers, a text is read in a third of the time. Names in it may have changed.
        key = _duplicate_key(_NUMBERS.sub(b"[]", content)) and _duplicate_key(content)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from error
    if key:
        raise msgspec.DecodeError(f"an object in it has the key {key} twice")


def _duplicate_key(content: bytes) -> str:
    """Return the representation of a key that an object of JSON has twice; empty if none has."""
    text = content.decode(errors="surrogateescape")  # fields that nobody reads may have any bytes
    try:
        json.loads(text, object_pairs_hook=_check_object, parse_int=float)
    except _DuplicateKeyError as error:
        return str(error)
    return ""


def _check_object(pairs: Sequence[tuple[str, Any]]) -> None:
    """Raise an error if two of the items of an object have the same key."""
    if len(dict(pairs)) == len(pairs):
        return
    keys: set[str] = set()
    for key, _ in pairs:
        if key in keys:
            raise _DuplicateKeyError(repr(key[:_SHOWN_CHARACTERS]))
        keys.add(key)


def _check_count(content: bytes) -> None:
    """Check that a text of JSON has not so many values that they would fill the memory."""
    if count_values(content) > MAX_VALUES:
        raise TooManyValuesError(f"it has more than {MAX_VALUES:,} values")
