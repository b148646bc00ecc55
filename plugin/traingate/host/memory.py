"""Determine how much memory is left, and how often the kernel ran out of it."""

from __future__ import annotations

import contextlib
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


def resident_bytes(pid: int) -> int:
    """Return the memory of a process and its descendants, shared pages divided among their users.

    Args:
        pid: Process id; a process that has ended counts as nothing.
    """
    import psutil  # noqa: PLC0415 - the worker's interpreter may not have it

    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                memory = member.memory_full_info()
                total += int(getattr(memory, "pss", memory.rss))
    return total


def oom_kill_counter(vmstat: Path = _VMSTAT) -> int:
    """Return a number that grows when the kernel kills a process to free memory.

    The machine and each group of the process may count the same one.

    Args:
        vmstat: File with the number for the machine; in a container, the groups have their own.
    """
    try:
        lines = vmstat.read_text().splitlines()
    except OSError:
        lines = []
    machine = sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return machine + cgroup.oom_kill_counter()
