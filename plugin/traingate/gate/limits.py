"""Check a measurement against the limits that the marker of its test sets. Pure, no I/O."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of one test; None leaves the tolerance to the settings, or sets no limit.

    Attributes:
        tolerance: Largest loss of throughput that is let through, in percent.
        min_samples_per_second: Smallest throughput, in samples per second.
        max_first_step_seconds: Longest first step of any launch, in seconds.
    """

    tolerance: float | None = None
    min_samples_per_second: float | None = None
    max_first_step_seconds: float | None = None


def violations(limits: Limits, samples_per_second: float, first_step_seconds: float) -> list[str]:
    """Return the absolute limits that a measurement breaks, a sentence each.

    Args:
        limits: Limits of the test.
        samples_per_second: Throughput of the candidate, in samples per second.
        first_step_seconds: Longest first step of the candidate's launches, in seconds.
    """
    sentences = []
    lowest_rate, longest_step = limits.min_samples_per_second, limits.max_first_step_seconds
    if lowest_rate is not None and samples_per_second < lowest_rate:
        sentences.append(
            f"{samples_per_second:.4g} samples/s, and the marker asks for at least {lowest_rate:g}"
        )
    if longest_step is not None and first_step_seconds > longest_step:
        sentences.append(
            f"first step took {first_step_seconds:.4g} s, and the marker allows {longest_step:g} s"
        )
    return sentences
