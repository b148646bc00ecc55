"""One line of a table, and the figures of it that every table shows alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.records import Measurement


@dataclass(frozen=True)
class Row:
    """A test's short name and what it measured."""

    test: str
    measurement: Measurement


def samples_per_second(record: Measurement) -> str:
    """Throughput with half the width of its interval; ``?`` for a single launch."""
    value, interval = record.samples_per_second, record.samples_per_second_interval
    if interval is None:
        return f"{value:.4g} ± ?"
    return f"{value:.4g} ± {(interval[1] - interval[0]) / 2:.2g}"


def thousands(per_dollar: float | None) -> str:
    """Samples per dollar, in thousands; empty without a price."""
    return "" if per_dollar is None else f"{per_dollar / 1000:.4g}"


def speedup(record: Measurement, records: Sequence[Measurement]) -> str:
    """Throughput over that of the plain workload at the same scale; empty if it is not there."""
    for other in records:
        if not other.stack and (other.workload, other.scale) == (record.workload, record.scale):
            return f"{record.samples_per_second / other.samples_per_second:.2f}"
    return ""
