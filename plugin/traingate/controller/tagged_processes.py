"""End processes of a child outside of its process group; an inherited variable identifies them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterable
from typing import Final

import psutil

from traingate.controller.command import LAUNCH_TAG
from traingate.untrusted.clock import monotonic

_END_SECONDS: Final = 5.0
"""Longest wait for the end of processes that have been killed."""

_EXEC_SECONDS: Final = 0.5
"""Longest wait for processes whose environment cannot be read, as in the middle of exec."""

_EXEC_POLL_SECONDS: Final = 0.005
"""Interval between two checks of such processes."""

_MAX_SECONDS: Final = 10.0
"""Longest time in which processes are looked for again after some were killed. One that waits for a
disk cannot be killed, and others may be started faster than they can be."""


_TRACKER_SECONDS: Final = 1.0
"""Longest wait for a resource tracker, which ends when no process has its pipe open any more."""


def wait_for_trackers(tag: str, start_time: float) -> None:
    """Let the resource trackers of ``multiprocessing`` remove what a process that died has left.

    They would be killed with its process group.

    Args:
        tag: Value of ``LAUNCH_TAG`` in their environment.
        start_time: Time at which the child was started, in seconds since the epoch.
    """
    deadline = monotonic() + _TRACKER_SECONDS
    while monotonic() < deadline:
        trackers = [each for each in _find_tagged(tag, start_time)[0] if _is_tracker(each)]
        if not trackers:
            return
        for process in trackers:
            with contextlib.suppress(psutil.Error):
                process.resume()
        time.sleep(_EXEC_POLL_SECONDS)


def _is_tracker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        is_tracker = any("resource_tracker" in word for word in process.cmdline())
        return is_tracker and _can_run(process)
    return False


def kill_tagged(
    tag: str, start_time: float, known_processes: Iterable[psutil.Process] = ()
) -> None:
    """Kill the processes that a child started in other sessions, which killpg does not reach.

    All of them are stopped before the first is killed: a process that watches another one could
    start it again.

    Args:
        tag: Value of ``LAUNCH_TAG`` in their environment.
        start_time: Time at which the child was started, in seconds since the epoch.
        known_processes: Further processes to kill, which may have another environment.
    """
    start = monotonic()
    known = list(known_processes)
    while monotonic() < start + _MAX_SECONDS:
        tagged, has_unreadable = _find_tagged(tag, start_time)
        processes = {*tagged, *filter(_can_run, known)}
        if not processes:
            if not has_unreadable or monotonic() > start + _EXEC_SECONDS:
                psutil.wait_procs(known, 0)  # in a container, this process may be their parent now
                return
            time.sleep(_EXEC_POLL_SECONDS)
            continue
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.suspend()
        started_meanwhile = set(_find_tagged(tag, start_time)[0]) - processes
        if not started_meanwhile or monotonic() > start + _MAX_SECONDS / 2:
            _kill(processes | started_meanwhile)


def _kill(processes: Collection[psutil.Process]) -> None:
    """Kill processes, and wait until none of them can run any more.

    They are not waited for until init, which is their parent by now, has noticed: that can take
    seconds, and in some containers forever.
    """
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    deadline = monotonic() + _END_SECONDS
    while any(map(_can_run, processes)) and monotonic() < deadline:
        time.sleep(_EXEC_POLL_SECONDS)


def _can_run(process: psutil.Process) -> bool:
    """Return whether a process has not ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


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
