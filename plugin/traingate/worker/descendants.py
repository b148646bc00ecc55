"""Find, stop and end the processes that this process has started, directly or through others."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")

_SET_CHILD_SUBREAPER: Final = 36
"""Number of the operation of prctl(2)."""


def adopt_orphans() -> None:
    """Let processes whose parent has ended become children of this process, where Linux can.

    A daemon that the workload starts leaves its session and loses its parent. As a child of this
    process it can still be found, to be stopped while another process is timed, and to be ended.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """Return the process ids of all descendants of a process; none on a system without /proc."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in _PROC.glob("[0-9]*"):
        try:
            # The format is "pid (name) state ppid ...", and the name may contain parentheses.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # the process has ended
            continue
        children[parent].append(int(folder.name))
    pids: list[int] = []
    pending = [pid]
    while pending:
        next_children = children[pending.pop()]
        pids += next_children
        pending += next_children
    return pids


def kill_descendants() -> None:
    """Kill all descendants of this process."""
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def stop_data_workers() -> None:
    """Stop the data workers, which would fetch ahead until the controller stops this process too.

    They continue with the next command (see ``serve`` and ``controller.freezing``).
    """
    for process in multiprocessing.active_children():
        if process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGSTOP)
