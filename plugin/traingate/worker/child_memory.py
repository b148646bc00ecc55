"""Read the memory of the processes that this process has started, such as data workers.

The kernel's documentation of the files is proc(5).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from traingate.worker.descendants import descendants

_PROC: Final = Path("/proc")


def descendants_bytes() -> int:
    """Return the memory that all running descendants have for themselves, at its largest, in bytes.

    A forked process shares most of its pages with this one, which counts them already. So each
    process counts with its private memory, and with what it had more at its peak than now. Systems
    without /proc give 0.
    """
    return sum(map(_private_bytes, descendants(os.getpid())))


def _private_bytes(pid: int) -> int:
    """Return the largest private memory of a process in bytes, estimated from its present one."""
    status = _kilobytes(pid, "status")
    peak, current = status.get("VmHWM", 0), status.get("VmRSS", 0)
    usage = _kilobytes(pid, "smaps_rollup")
    private = usage.get("Private_Clean", 0) + usage.get("Private_Dirty", 0) if usage else current
    return 1024 * (private + max(0, peak - current))


def _kilobytes(pid: int, name: str) -> dict[str, int]:
    """Return the entries in kB of a file with lines such as ``VmRSS:  1234 kB``."""
    try:
        lines = (_PROC / str(pid) / name).read_text().splitlines()
    except OSError:
        return {}
    entries = (line.split() for line in lines if line.endswith(" kB"))
    return {words[0].removesuffix(":"): int(words[1]) for words in entries}
