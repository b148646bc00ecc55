"""Decode JSON that anybody may have written: whatever it holds, there is one kind of exception.

Of an object with the same key twice, the last one counts, as for Python's ``json`` and for
pytest-benchmark, which read the same files.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def decode(content: bytes | msgspec.Raw, kind: type[_T]) -> _T:
    """Return the value of a type that *content* encodes as JSON.

    Raises:
        msgspec.MsgspecError: If it is not JSON, not UTF-8, nested too deeply, or not of this type.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except RecursionError as error:
        raise msgspec.DecodeError("it is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(f"it is not UTF-8: {error.reason}") from error
