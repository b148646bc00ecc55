"""Absolute limits of a test's marker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.gate import statistics as stats
from traingate.records import Launch


@dataclass(frozen=True)
class Limits:
    """Absolute limits of a test's marker; None sets none.

    Attributes:
        min_samples_per_second: the least throughput, as measured.
        max_first_step_seconds: the longest first step of any launch.
    """

    min_samples_per_second: float | None = None
    max_first_step_seconds: float | None = None


def violations(limits: Limits, launches: Sequence[Launch], batch_size: int) -> list[str]:
    """What of ``limits`` the launches do not keep, a sentence each."""
    found = []
    throughput, _ = stats.throughput(launches, batch_size)
    least, longest = limits.min_samples_per_second, limits.max_first_step_seconds
    if least is not None and throughput < least:
        found.append(f"{throughput:.4g} samples/s, and the marker asks for at least {least:g}")
    first = max(launch.first_step_seconds for launch in launches)
    if longest is not None and first > longest:
        found.append(f"first step took {first:.4g} s, and the marker allows {longest:g} s")
    return found
