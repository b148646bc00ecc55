"""Decode JSON that anybody may have written: whatever it holds, there is one kind of exception.

Of an object with the same key twice, the last one counts, as for Python's ``json`` and for
pytest-benchmark, which read the same files.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from traingate.untrusted.files import MAX_VALUES

_T = TypeVar("_T")


class TooManyValuesError(msgspec.DecodeError):
    """Error of a text that would fill the memory when it is decoded."""


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


def _check_count(content: bytes) -> None:
    """Check that a text of JSON has not so many values that they would fill the memory."""
    if content.count(b",") > MAX_VALUES:
        raise TooManyValuesError(f"it has more than {MAX_VALUES:,} values")
