"""Values that JSON can say: all that crosses to another process or into a record."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


def as_json(value: object) -> Any:
    """``value`` as the other end will read it; TypeError if JSON cannot say it."""
    return json.loads(json.dumps(value))
