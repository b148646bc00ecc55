"""Estimate how fast the worker's memory grows, although allocators take it in large pieces.

An allocator takes memory from the kernel in large pieces, and keeps some of it. So the resident
memory rises in few steps, some of it is garbage that waits for its collection, and its difference
between two moments says little. The estimate is the smaller of two, since memory that is lost in
each step shows in both:

- the measured steps are divided into five parts, and the median of their growths is taken, which
  leaves out one or two pieces that the allocator took;
- the growth from the first to the last step, after garbage has been collected.
"""

from __future__ import annotations

import errno
import gc
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final

_STATUS: Final = Path("/proc/self/status")

_EVERY_STEP_UP_TO: Final = 40
"""Number of steps after each of which the memory is read; from then on after every tenth. Reading
takes about 30 microseconds. It happens after the same steps in each launch, because it makes
Python objects, and by their number Python decides when to collect garbage."""

_PARTS: Final = 5
"""Number of parts of the measured steps; fewer if there are not as many steps between samples."""


def resident_bytes() -> int | None:
    """Return the resident memory of this process without pages of files, in bytes.

    Pages of files, such as a memory-mapped dataset, can be dropped by the kernel at any time. None
    where the system does not tell (proc(5)).

    Raises:
        OSError: If this process can open no further file. A workload that hides this may have
            trained without its data.
    """
    try:
        text = _STATUS.read_text()
    except OSError as error:
        if error.errno == errno.EMFILE:
            advice = "the workload must close what it has opened, or needs more (ulimit -n)"
            raise OSError(error.errno, f"{error.strerror}: {advice}") from None
        return None
    fields = dict(line.split(":", 1) for line in text.splitlines())
    sizes = [int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in fields]
    return 1024 * sum(sizes) if sizes else None


class MemoryGrowth:
    """Samples of the resident memory, taken between measured steps."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, int]] = []

    def sample(self, step: int) -> None:
        """Note the memory after measured step number *step*; of many steps, after every tenth.

        Args:
            step: Number of the step, from 1.
        """
        if step <= _EVERY_STEP_UP_TO or step % 10 == 0:
            self._add(step)

    def bytes_per_step(self, step: int) -> float | None:
        """Return the growth in bytes per step; None if there are fewer than two measured steps.

        Args:
            step: Number of the last measured step.
        """
        if not self._samples or step < 2:  # noqa: PLR2004 - growth is between two steps
            return None
        if self._samples[-1][0] < step:
            self._add(step)
        gc.collect()
        remaining_bytes = resident_bytes()
        if remaining_bytes is None or len(self._samples) < 2:  # noqa: PLR2004 - as above
            return None
        first_step, first_bytes = self._samples[0]
        net_growth = (remaining_bytes - first_bytes) / (step - first_step)
        return min(median_growth(self._samples), net_growth)

    def _add(self, step: int) -> None:
        size = resident_bytes()
        if size is not None:
            self._samples.append((step, size))


def median_growth(samples: Sequence[tuple[int, int]]) -> float:
    """Return the median of the growths of the parts of a launch, in bytes per step.

    Args:
        samples: Pairs of a step's number and the memory after it, at least two.
    """
    intervals = len(samples) - 1
    parts = min(_PARTS, intervals)
    limits = [samples[part * intervals // parts] for part in range(parts + 1)]
    return median(
        (after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(limits)
    )
