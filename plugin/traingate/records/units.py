"""Define the types of recorded numbers, and convert a throughput to samples per dollar."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from msgspec import Meta

Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
"""Duration in seconds, at least 0."""

Positive: TypeAlias = Annotated[float, Meta(gt=0)]
"""Number above 0; the name of the field gives its unit."""

Bytes: TypeAlias = Annotated[float, Meta(ge=0)]
"""Mean or estimated number of bytes, at least 0."""

Count: TypeAlias = Annotated[int, Meta(ge=0)]
"""Whole number, at least 0."""

Interval: TypeAlias = tuple[float, float]
"""Lower and upper end of an interval."""


def samples_per_dollar(samples_per_second: float, usd_per_hour: float) -> float:
    """Return the samples that one US dollar trains on a machine of this hourly price."""
    return samples_per_second * 3600 / usd_per_hour
