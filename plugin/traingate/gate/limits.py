"""The limits that a test sets for itself, by its marker. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.gate import statistics
from traingate.records import Launch


@dataclass(frozen=True)
class Limits:
    """The limits of one test; None leaves a limit to the settings, or sets none.

    Attributes:
        tolerance: Largest loss of throughput that is let through, in percent.
        min_samples_per_second: Least throughput, as measured.
        max_first_step_seconds: Longest first step of any launch.
    """

    tolerance: float | None = None
    min_samples_per_second: float | None = None
    max_first_step_seconds: float | None = None


def violations(limits: Limits, launches: Sequence[Launch], batch_size: int) -> list[str]:
    """Return the absolute limits that the launches do not keep, a sentence each.

    Args:
        limits: Limits of the test.
        launches: Launches of the candidate.
        batch_size: Samples per step.
    """
    sentences = []
    throughput, _ = statistics.throughput(launches, batch_size)
    least, longest = limits.min_samples_per_second, limits.max_first_step_seconds
    if least is not None and throughput < least:
        sentences.append(f"{throughput:.4g} samples/s, and the marker asks for at least {least:g}")
    first = max(launch.first_step_seconds for launch in launches)
    if longest is not None and first > longest:
        sentences.append(f"first step took {first:.4g} s, and the marker allows {longest:g} s")
    return sentences
