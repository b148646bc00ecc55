"""Wait until a worker's threads sleep: what still spins would be measured as a slow machine.

An OpenMP runtime lets its threads spin for milliseconds after each region (GNU's for about
ten, Intel's for up to 200), and data workers fetch ahead. Shortening the spinning instead
would slow the training itself.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Final

import psutil

_LONGEST_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.002
_WITHOUT_PROC_SECONDS: Final = 0.05
_PROC: Final = Path("/proc")


def wait_until_idle(pid: int) -> bool:
    """Return once no thread of process ``pid`` and its descendants workers, or half a second on.

    Returns:
        Whether they have come to rest; True where that cannot be seen.
    """
    if not (_PROC / str(pid)).is_dir():
        time.sleep(_WITHOUT_PROC_SECONDS)
        return True
    family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    deadline = time.monotonic() + _LONGEST_SECONDS
    while any(map(_runs, family)):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):  # a data worker may end meanwhile
        for task in (_PROC / str(pid) / "task").iterdir():
            # "pid (name) state ...", and the name may hold anything but a last parenthesis
            if (task / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                return True
    return False
