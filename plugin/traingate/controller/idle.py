"""Wait until a worker's threads sleep, so that they do not slow down the next process that steps.

OpenMP threads spin after each parallel region (GNU's for about 10 ms, Intel's for 1 ms as
``steadying`` sets it, else for 200 ms), and data workers fetch ahead. GNU's spinning is not
shortened, because that would slow down trainings with short steps.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Final

import psutil

_MAX_SECONDS: Final = 0.5
"""Longest wait; then the worker counts as busy."""

_POLL_SECONDS: Final = 0.002
"""Interval between two checks of the threads."""

_WITHOUT_PROC_SECONDS: Final = 0.05
"""Wait on systems without /proc, where threads cannot be observed."""

_PROC: Final = Path("/proc")


def wait_until_idle(pid: int) -> bool:
    """Wait until no thread of a process and its descendants runs, or half a second has passed.

    Args:
        pid: Process id.

    Returns:
        True if all threads sleep, or if the system has no /proc to observe them by.
    """
    if not (_PROC / str(pid)).is_dir():
        time.sleep(_WITHOUT_PROC_SECONDS)
        return True
    processes = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    deadline = time.monotonic() + _MAX_SECONDS
    while any(map(_has_running_thread, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _has_running_thread(pid: int) -> bool:
    with contextlib.suppress(OSError):  # the process, or one of its threads, may end meanwhile
        for task in (_PROC / str(pid) / "task").iterdir():
            # The format is "pid (name) state ...", and the name may contain parentheses.
            if (task / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                return True
    return False
