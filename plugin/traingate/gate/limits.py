"""Check a measurement against the limits that the markers of its test set. Pure, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Limits:
    """Limits of one test; None leaves the tolerance to the settings, or sets no limit.

    The fields whose names start with ``accept_`` describe a change that is let through in a
    comparison with a commit, see ``comparison.acceptance``.

    Attributes:
        tolerance: Largest loss of throughput that is let through, in percent.
        min_samples_per_second: Smallest throughput, in samples per second.
        max_first_step_seconds: Longest first step of any launch, in seconds.
        max_peak_rss_bytes: Largest resident memory of any launch, in bytes.
        max_memory_growth_bytes_per_step: Largest growth of the memory, in bytes per step.
        accept_reason: Reason for the accepted change.
        accept_slowdown: Largest accepted loss of throughput, in percent.
        accept_counters: Largest accepted counts, by the name of the counter.
    """

    tolerance: float | None = None
    min_samples_per_second: float | None = None
    max_first_step_seconds: float | None = None
    max_peak_rss_bytes: float | None = None
    max_memory_growth_bytes_per_step: float | None = None
    accept_reason: str | None = None
    accept_slowdown: float | None = None
    accept_counters: Mapping[str, int] | None = None


class LimitedValues(Protocol):
    """Values of a measurement that a marker can limit."""

    @property
    def samples_per_second(self) -> float:
        """Return the throughput of the candidate, in samples per second."""

    @property
    def first_step_seconds(self) -> float:
        """Return the longest first step of the candidate's launches, in seconds."""

    @property
    def peak_rss_bytes(self) -> int:
        """Return the largest resident memory of the launches, in bytes."""

    @property
    def rss_growth_bytes_per_step(self) -> float | None:
        """Return the growth of the memory in bytes per step; None if it was not measured."""


def violations(limits: Limits, values: LimitedValues) -> list[str]:
    """Return the absolute limits that a measurement breaks, a sentence each.

    Args:
        limits: Limits of the test.
        values: Measured values.
    """
    sentences = []
    lowest_rate, longest_step = limits.min_samples_per_second, limits.max_first_step_seconds
    if lowest_rate is not None and values.samples_per_second < lowest_rate:
        sentences.append(
            f"{values.samples_per_second:.4g} samples/s, and the marker asks for at least "
            f"{lowest_rate:g}"
        )
    if longest_step is not None and values.first_step_seconds > longest_step:
        sentences.append(
            f"first step took {values.first_step_seconds:.4g} s, and the marker allows "
            f"{longest_step:g} s"
        )
    return [*sentences, *_memory_violations(limits, values)]


def _memory_violations(limits: Limits, values: LimitedValues) -> list[str]:
    """Return the limits of memory that a measurement breaks, a sentence each."""
    sentences = []
    highest_peak, highest_growth = (
        limits.max_peak_rss_bytes,
        limits.max_memory_growth_bytes_per_step,
    )
    if highest_peak is not None and values.peak_rss_bytes > highest_peak:
        sentences.append(
            f"{values.peak_rss_bytes:,} bytes of resident memory at the peak, and the marker "
            f"allows {highest_peak:,.0f}"
        )
    growth = values.rss_growth_bytes_per_step
    if highest_growth is not None and growth is None:
        sentences.append(
            "the growth of the memory could not be measured: it takes Linux and two measured "
            "steps, and the marker limits it"
        )
    elif highest_growth is not None and growth is not None and growth > highest_growth:
        sentences.append(
            f"the memory grows by {growth:,.0f} bytes per step, and the marker allows "
            f"{highest_growth:,.0f}"
        )
    return sentences
