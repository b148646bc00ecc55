"""Stop all processes of a child while another process is timed, and let them continue.

A stopped process (SIGSTOP) neither spins in OpenMP after a parallel region nor lets data workers
fetch ahead, so each step finds the queue of its loader as the step before left it, as in a script.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from traingate.untrusted.clock import monotonic

_MAX_SECONDS: Final = 5.0
"""Longest wait until the signal has stopped all threads; the kernel delays it for a thread that
waits for a disk."""

_POLL_SECONDS: Final = 0.001
"""Interval between two checks of the threads."""

_PROC: Final = Path("/proc")

_AT_REST: Final = frozenset("TtZX")
"""States of a thread that cannot run: stopped, stopped by a debugger, ended (proc(5))."""


class ProcessTree:
    """A child process with all its descendants, which can be stopped together.

    Args:
        pid: Process id of the child, which leads a session and a process group of its own.
        leader_continues_group: True if the child itself continues the other processes of its group
            when it receives a command, so that they do not run before it does.
    """

    def __init__(self, pid: int, *, leader_continues_group: bool = False) -> None:
        self._pid = pid
        self._leader_continues_group = leader_continues_group
        self._groups = [pid]
        self._known_processes: dict[int, psutil.Process] = {}
        self.is_frozen = False

    def freeze(self) -> bool:
        """Stop all processes of the tree.

        Launchers start ranks in process groups of their own. A group that is known from an earlier
        call is stopped at once, before the descendants are listed.

        Returns:
            True if no thread can run any more; False if one still ran after 5 s.
        """
        self.is_frozen = True
        self._signal(signal.SIGSTOP, self._groups)
        deadline = monotonic() + _MAX_SECONDS
        while True:
            processes = self._processes()
            if self._add_groups(processes):
                self._signal(signal.SIGSTOP, self._groups)
            elif all(map(_is_at_rest, processes)):
                return True
            if monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)

    def thaw(self) -> None:
        """Let all processes of the tree continue; a tree that is not frozen is left alone."""
        if not self.is_frozen:
            return
        self.is_frozen = False
        if self._leader_continues_group:
            self._signal(signal.SIGCONT, self._groups[1:])
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)
        else:
            self._signal(signal.SIGCONT, self._groups)

    def _signal(self, number: signal.Signals, groups: Sequence[int]) -> None:
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)

    def known_processes(self) -> list[psutil.Process]:
        """Return the descendants, those included that a process which has ended left behind."""
        self._processes()
        return list(self._known_processes.values())

    def _processes(self) -> list[int]:
        """Return the process ids of the tree."""
        with contextlib.suppress(psutil.Error):
            descendants = psutil.Process(self._pid).children(recursive=True)
            self._known_processes.update((process.pid, process) for process in descendants)
            return [self._pid, *(process.pid for process in descendants)]
        return []

    def _add_groups(self, processes: list[int]) -> bool:
        """Remember the process groups of *processes*, and return whether any of them is new."""
        groups = set()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                groups.add(os.getpgid(pid))
        new_groups = groups.difference(self._groups)
        self._groups += new_groups
        return bool(new_groups)


def _is_at_rest(pid: int) -> bool:
    """Return True if no thread of the process can run, or if the process has ended."""
    if not (_PROC / "self").exists():  # without /proc, the state of single threads is unknown
        with contextlib.suppress(psutil.Error):
            status = psutil.Process(pid).status()
            return status in {psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE}
        return True
    with contextlib.suppress(OSError):  # the process, or one of its threads, may end meanwhile
        for task in (_PROC / str(pid) / "task").iterdir():
            # The format is "pid (name) state ...", and the name may contain parentheses.
            if (task / "stat").read_text().rpartition(")")[2].split()[0] not in _AT_REST:
                return False
    return True
