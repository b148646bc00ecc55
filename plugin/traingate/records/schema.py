"""Records to JSON and back, checked, from every version of the schema."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from traingate.errors import DamagedRecordError
from traingate.records.measurement import SCHEMA, Measurement

_FIRST_WITH_LIST: Final = 2


def to_json(measurement: Measurement) -> dict[str, Any]:
    """The record as plain JSON values, fit for ``extra_info``."""
    content: dict[str, Any] = msgspec.to_builtins(measurement)
    return content


class _Version(Struct):
    schema: int


def from_json(content: bytes | msgspec.Raw, where: str) -> Measurement:
    """The record in ``content``, checked.

    Args:
        content: one JSON object.
        where: what an error calls it, a file at least.

    Raises:
        DamagedRecordError: if it is of another schema, or not whole.
    """
    try:
        version = msgspec.json.decode(content, type=_Version).schema
        if version > SCHEMA:
            raise DamagedRecordError(
                f"{where}: record of schema {version}, and this traingate reads up to {SCHEMA}. "
                "Upgrade pytest-traingate."
            )
        if version == 1:
            return _from_first(msgspec.json.decode(content))
        return msgspec.json.decode(content, type=Measurement)
    except msgspec.MsgspecError as error:
        raise damaged(where, error) from error


def _from_first(content: dict[str, Any]) -> Measurement:
    """The record of schema 1, which had one published figure or none."""
    published = content.get("published")
    changes = {"schema": _FIRST_WITH_LIST, "published": [published] if published else []}
    return msgspec.convert({**content, **changes}, Measurement)


def damaged(where: str, error: Exception) -> DamagedRecordError:
    """The error for a stored run that cannot be read."""
    return DamagedRecordError(
        f"{where} is damaged: {error}. Restore the file, or delete it and save a new baseline."
    )
