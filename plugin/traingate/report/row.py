"""Define the row of a table, and format the figures that all tables share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traingate.controller.profiling import SideProfiles
from traingate.environments.registry import TODAY
from traingate.records import Measurement

_MIN_WITHOUT_FRACTION: Final = 99.5
"""Half width from which on it is shown in whole samples/s; two digits would need an exponent."""


@dataclass(frozen=True)
class Row:
    """Row of a table.

    Attributes:
        test: Name of the test, without its file.
        measurement: Record of the test.
        full_name: Name of the test with its file; empty if no page needs it.
        sides: Profiles of both sides of its duet; None if none were taken, or no page needs them.
    """

    test: str
    measurement: Measurement
    full_name: str = ""
    sides: SideProfiles | None = None


def samples_per_second(record: Measurement) -> str:
    """Return the throughput ± half the width of its interval, or ± ? for a single launch."""
    value, interval = record.samples_per_second, record.samples_per_second_interval
    if interval is None:
        return f"{value:.4g} ± ?"
    half_width = (interval[1] - interval[0]) / 2
    digits = ".0f" if half_width >= _MIN_WITHOUT_FRACTION else ".2g"
    return f"{value:.4g} ± {half_width:{digits}}"


def in_thousands(per_dollar: float | None) -> str:
    """Return samples per dollar in thousands; empty without a price."""
    return "" if per_dollar is None else f"{per_dollar / 1000:.4g}"


def speedup(record: Measurement, records: Sequence[Measurement]) -> str:
    """Return the throughput relative to that of the plain workload.

    Args:
        record: Record of the test.
        records: Records among which the plain workload at the same scale is looked for, first in
            the environment of *record*, and then in that of pytest.

    Returns:
        The ratio; empty if *records* has no such plain workload.
    """
    plain_records = {
        other.environment_name: other
        for other in reversed(records)
        if not other.stack and (other.workload, other.scale) == (record.workload, record.scale)
    }
    plain = plain_records.get(record.environment_name) or plain_records.get(TODAY)
    return "" if plain is None else f"{record.samples_per_second / plain.samples_per_second:.2f}"


def environment(record: Measurement) -> str:
    """Return the environment of a record and its torch; empty for the one that pytest ran in."""
    if record.environment_name == TODAY:
        return ""
    torch = without_build(record.environment.get("torch", ""))
    return f"{record.environment_name}: torch {torch}"


def without_build(version: str) -> str:
    """Return a version without its build, such as ``2.8.0`` for ``2.8.0+cpu``."""
    return version.partition("+")[0]
