"""Units of recorded numbers, and what a throughput costs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

Seconds: TypeAlias = Annotated[float, Meta(ge=0)]


Positive: TypeAlias = Annotated[float, Meta(gt=0)]


Count: TypeAlias = Annotated[int, Meta(ge=0)]


Interval: TypeAlias = tuple[float, float]
"""Lower and upper end."""


def samples_per_dollar(samples_per_second: float, usd_per_hour: float) -> float:
    """Samples trained for one US dollar on a machine of that hourly price."""
    return samples_per_second * 3600 / usd_per_hour
