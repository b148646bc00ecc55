"""Determine how much memory is left, and how often the kernel ran out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from traingate.host import cgroup

_VMSTAT: Final = Path("/proc/vmstat")


def available_bytes() -> int:
    """Return the free memory of the machine, or what a cgroup's limit leaves if that is less.

    Page cache that the kernel can reclaim counts as free.
    """
    import psutil  # noqa: PLC0415 - the worker's interpreter may not have it

    return int(min(psutil.virtual_memory().available, cgroup.memory_headroom_bytes()))


def oom_kills(vmstat: Path = _VMSTAT) -> int:
    """Return how many processes the kernel has killed for lack of memory, since it was started.

    Args:
        vmstat: File with the number for the machine; in a container, the groups have their own.
    """
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        lines = []
    machine = sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return machine + cgroup.oom_kills()
