"""Let the processes of a hanging child print their call stacks, before they are ended.

The worker prints them at a signal (see ``worker/serve``), also while it computes in C with Python's
lock held. Data workers that it has forked do so as well.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

from traingate.controller.child_logs import ChildLogs
from traingate.controller.exit_report import condensed
from traingate.protocol.shared_names import STACK_SIGNAL
from traingate.untrusted.clock import monotonic

_SCRIPT: Final = str(Path(__file__).parents[1] / "worker" / "main.py")

_MAX_PROCESSES: Final = 6
"""Largest number of processes whose call stacks are printed."""

_MAX_LINES: Final = 30
"""Largest number of lines of a process: the end, which has its main thread."""

_SECONDS: Final = 0.5
"""Longest wait for the call stacks of one process."""

_POLL_SECONDS: Final = 0.02

_READER: Final = re.compile(r"worker/serve\.py\", line \d+ in _read\n")


def is_worker(process: psutil.Process) -> bool:
    """Return whether a process of a child is a rank, or has been forked from the worker."""
    try:
        words = process.cmdline() if process.is_running() else []
    except psutil.Error:
        return False
    return words[:1] != [] and Path(words[0]).name.startswith("python") and _SCRIPT in words


def printed_call_stacks(pids: Iterable[int], logs: ChildLogs) -> str:
    """Return the call stacks of processes that can print them; empty if there are none.

    Args:
        pids: Process ids of running processes, the most important one first.
        logs: Logs of the child.
    """
    lines = []
    for pid in [pid for pid in pids if _catches(pid)][:_MAX_PROCESSES]:
        lines_of_process = _without_reader(_call_stacks_of(pid, logs)).splitlines()
        stack = condensed(lines_of_process)[-_MAX_LINES:]
        if stack:
            lines += [f"Where process {pid} was:", *(f"    {line}" for line in stack)]
    return "\n".join(lines)


def _call_stacks_of(pid: int, logs: ChildLogs) -> str:
    """Return what is printed after the signal has been sent to a process."""
    size = logs.total_size()
    with contextlib.suppress(OSError):
        os.kill(pid, STACK_SIGNAL)
    deadline = monotonic() + _SECONDS
    earlier_size = size
    while monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        current_size = logs.total_size()
        if current_size == earlier_size != size:
            break
        earlier_size = current_size
    return logs.appended_text(size)


def _without_reader(text: str) -> str:
    """Return call stacks without that of the thread which waits for the next command."""
    threads = text.strip().split("\n\n")
    return "\n\n".join(thread for thread in threads if not _READER.search(thread))


def _catches(pid: int) -> bool:
    """Return whether a process has a handler of the signal, which would end it otherwise."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, mask = line.partition(":")
            if name == "SigCgt":  # a hexadecimal number, see proc(5)
                return bool(int(mask, 16) >> (STACK_SIGNAL - 1) & 1)
    return False
