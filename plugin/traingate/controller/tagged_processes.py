"""End processes of a child outside of its process group; an inherited variable identifies them."""

from __future__ import annotations

import contextlib
import time
from typing import Final

import psutil

from traingate.controller.command import LAUNCH_TAG

_END_SECONDS: Final = 5.0
"""Longest wait for the end of a process that has been killed."""

_EXEC_SECONDS: Final = 0.5
"""Longest wait for processes whose environment cannot be read, as in the middle of exec."""

_EXEC_POLL_SECONDS: Final = 0.005
"""Interval between two checks of such processes."""


def kill_tagged(tag: str, start_time: float) -> None:
    """Kill the processes that a child started in other sessions, which killpg does not reach.

    Args:
        tag: Value of ``LAUNCH_TAG`` in their environment.
        start_time: Time at which the child was started, in seconds since the epoch.
    """
    deadline = time.monotonic() + _EXEC_SECONDS
    while True:
        processes, has_unreadable = _find_tagged(tag, start_time)
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(_END_SECONDS)
        if not processes and (not has_unreadable or time.monotonic() > deadline):
            return
        time.sleep(_EXEC_POLL_SECONDS)


def _find_tagged(tag: str, start_time: float) -> tuple[list[psutil.Process], bool]:
    """Return the processes with this tag, and whether the environment of another cannot be read.

    In the middle of exec, a process has no environment that others can read.
    """
    processes, has_unreadable = [], False
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            environment = process.environ()
            if environment.get(LAUNCH_TAG) == tag:
                processes.append(process)
            elif not environment and process.create_time() >= start_time - 1:
                has_unreadable |= process.status() != psutil.STATUS_ZOMBIE
    return processes, has_unreadable
