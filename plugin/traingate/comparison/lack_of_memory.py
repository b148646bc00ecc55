"""Decide whether a duet failed because its two sides did not fit into memory together. Pure."""

from __future__ import annotations

from typing import Final

from traingate.errors import TraingateError, WorkerDiedError, WorkerKilledError, WorkloadError

_ALLOCATION_FAILURES: Final = ("MemoryError", "not enough memory", "Cannot allocate memory")
"""Parts of messages of Python, torch and the C library about an allocation that failed."""


def failed_for_memory(error: TraingateError, oom_kills: int) -> bool:
    """Return whether a side of a duet probably failed for lack of memory.

    A launcher hides the signal that ended its ranks, and torch's loader reports a data worker that
    was killed as an exception. For these, the kernel's count of killed processes decides.

    Args:
        error: Error that ended the duet.
        oom_kills: Growth of the kernel's counter of processes killed for lack of memory since the
            duet began.
    """
    if isinstance(error, WorkerKilledError):
        return True
    if isinstance(error, WorkloadError) and any(map(str(error).__contains__, _ALLOCATION_FAILURES)):
        return True
    return oom_kills > 0 and isinstance(error, WorkerDiedError | WorkloadError)
