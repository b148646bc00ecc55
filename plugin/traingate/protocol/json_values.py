"""Define the values that may cross to another process or into a record: those of JSON."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""Value that JSON can represent."""


def as_json(value: object) -> Any:
    """Return *value* as decoding its JSON restores it: a tuple, for example, becomes a list.

    Raises:
        TypeError: If JSON cannot represent the value, such as NaN or a list of itself.
    """
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise TypeError(str(error)) from error
