"""The limits that a test sets for itself, by its marker. Pure, no I/O."""

from __future__ import annotations

from dataclasses import dataclass


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


def violations(limits: Limits, samples_per_second: float, first_step_seconds: float) -> list[str]:
    """Return the absolute limits that a measurement does not keep, a sentence each.

    Args:
        limits: Limits of the test.
        samples_per_second: Throughput of the candidate.
        first_step_seconds: Longest first step of the candidate's launches.
    """
    sentences = []
    least, longest = limits.min_samples_per_second, limits.max_first_step_seconds
    if least is not None and samples_per_second < least:
        sentences.append(
            f"{samples_per_second:.4g} samples/s, and the marker asks for at least {least:g}"
        )
    if longest is not None and first_step_seconds > longest:
        sentences.append(
            f"first step took {first_step_seconds:.4g} s, and the marker allows {longest:g} s"
        )
    return sentences
