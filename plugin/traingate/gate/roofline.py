"""Compute the shortest time of a step by the roofline model. Pure.

Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
Architectures", CACM 52 (2009).
"""

from __future__ import annotations

from typing import NamedTuple

from traingate.records import Counts


class Limit(NamedTuple):
    """Limit of the speed of a step.

    Attributes:
        seconds: Shortest time of a step.
        bound: Limit that it follows from, ``compute`` or ``memory``.
    """

    seconds: float
    bound: str


def roofline_of_step(
    counts: Counts,
    batch_size: int,
    ranks: int,
    *,
    flops_per_second: float | None,
    memory_bytes_per_second: float,
) -> Limit | None:
    """Return the limit that binds: compute or memory, whichever takes longer.

    Args:
        counts: Work of a step.
        batch_size: Samples per step of all ranks.
        ranks: Number of ranks, each of which reads and writes its own parameters.
        flops_per_second: Rate of a matrix product; None if it was not measured.
        memory_bytes_per_second: Bandwidth of the memory; 0 if it was not measured.

    Returns:
        The limit; None if the operations of the step, or the rate, are not known.
    """
    if counts.flops_per_sample is None or not flops_per_second:
        return None
    limits = [Limit(batch_size * counts.flops_per_sample / flops_per_second, "compute")]
    per_sample, fixed = counts.bytes_per_sample, counts.fixed_bytes_per_step
    if per_sample is not None and fixed is not None and memory_bytes_per_second:
        size = ranks * fixed + batch_size * per_sample
        limits.append(Limit(size / memory_bytes_per_second, "memory"))
    return max(limits)
