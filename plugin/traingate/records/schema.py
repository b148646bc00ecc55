"""Convert records to JSON and back; records of all earlier versions of the schema can be read."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from traingate.errors import DamagedRecordError
from traingate.records.decoding import decode
from traingate.records.masking import masked_measurement
from traingate.records.measurement import SCHEMA, Measurement
from traingate.records.plausibility import check

_FIRST_WITH_LIST: Final = 2
"""First version of the schema in which ``published`` is a list."""


def to_json(measurement: Measurement) -> dict[str, Any]:
    """Return the record as a dict of plain JSON values, which ``extra_info`` can hold."""
    content: dict[str, Any] = msgspec.to_builtins(measurement)
    return content


class _Version(Struct):
    """Version of a record, which is read before the rest of it."""

    schema: int


def from_json(content: bytes | msgspec.Raw, location: str) -> Measurement:
    """Return the record that *content* holds, after checking types and ranges.

    Args:
        content: Text of one JSON object.
        location: Place of the record for error messages: a file, and a test if there is one.

    Raises:
        DamagedRecordError: If the record is incomplete or invalid, or if a later version of
            traingate wrote it.
    """
    try:
        version = decode(content, _Version).schema
        if version > SCHEMA:
            raise DamagedRecordError(
                f"{location}: record of schema {version}, and this traingate reads up to {SCHEMA}. "
                "Upgrade pytest-traingate."
            )
        if version == 1:
            measurement = _from_first(decode(content, dict[str, Any]))
        else:
            measurement = decode(content, Measurement)
        check(measurement)
    except (msgspec.MsgspecError, ValueError) as error:
        raise DamagedRecordError.of(location, error) from error
    return masked_measurement(measurement)


def _from_first(content: dict[str, Any]) -> Measurement:
    """Return a record of schema 1, in which ``published`` was one figure or null."""
    published = content.get("published")
    changes = {"schema": _FIRST_WITH_LIST, "published": [published] if published else []}
    return msgspec.convert({**content, **changes}, Measurement)
