"""End a child whose controller was killed.

The command is ``python end_orphans.py PARENT TAG_NAME TAG GROUP DIRECTORY``. A child ends itself
when its connection closes, but not while it is stopped (see ``freezing``), and the command that
prepares a base has no connection. So ``orphans`` starts this script beside each child, by path, and
it imports the standard library alone. Its standard input is a pipe from the controller. A line on
it means that the controller has ended the child itself. If the pipe or the process PARENT ends
without one, the controller is gone, and this script kills the child's process group and every
process that has the tag in its environment, and removes the child's directory, unless DIRECTORY is
empty.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_SECONDS = 5.0
"""Longest time in which processes with the tag are looked for again after some were killed."""

_POLL_SECONDS = 0.02

_UNTRUSTED = Path(__file__).resolve().parents[1] / "untrusted"
_PARENT_INPUT = runpy.run_path(str(_UNTRUSTED / "parent_input.py"))
_REMOVE_FOLDER = runpy.run_path(str(_UNTRUSTED / "folders.py"))["remove_folder"]
"""Functions of modules; a script has no package to import them from."""


def main(parent: int, tag_name: str, tag: str, group: int, directory: str) -> None:
    """Wait for the end of the controller, and clean up if it has not.

    Args:
        parent: Process id of the controller.
        tag_name: Name of the environment variable that marks the processes of the child.
        tag: Value of that variable.
        group: Process group of the child.
        directory: Private directory of the child; empty if it has none.
    """
    start = _start_time(group)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if any(_PARENT_INPUT["read_until_parent_ends"](sys.stdin.fileno(), parent)):
        return
    entry = os.fsencode(f"{tag_name}={tag}")
    # The child's environment cannot tell: setproctitle(3) writes over the memory that it is in.
    is_same = _start_time(group) in {None, start}  # else another process has the number by now
    # They may have another environment too.
    descendants = {pid: _start_time(pid) for pid in _descendants(group)} if is_same else {}
    if is_same:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        processes = [pid for pid in _process_ids() if _has_entry(pid, entry)]
        processes += [pid for pid, born in descendants.items() if born and _start_time(pid) == born]
        if not processes:
            break
        for pid in processes:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    if directory:
        _REMOVE_FOLDER(directory)


def _process_ids() -> Iterator[int]:
    """Yield the ids of all other processes; none on a system without /proc."""
    with contextlib.suppress(OSError):
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal() and int(folder.name) != os.getpid():
                yield int(folder.name)


def _descendants(pid: int) -> list[int]:
    """Return the descendants of a process, which may have another environment."""
    parents = {}
    for each in _process_ids():
        with contextlib.suppress(OSError, IndexError):
            parents[each] = int(_status(each)[1])
    pids = [pid]
    for ancestor in pids:  # grows meanwhile
        pids += [each for each, parent in parents.items() if parent == ancestor]
    return pids[1:]


def _status(pid: int) -> list[bytes]:
    """Return the fields of proc(5)'s file ``stat`` from the third on, the state.

    The second field is the name of the program, in which anything may stand.
    """
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()


def _start_time(pid: int) -> bytes | None:
    """Return the time when a process started, as proc(5) gives it; None if it has ended."""
    with contextlib.suppress(OSError, IndexError):
        fields = _status(pid)
        return None if fields[0] in {b"Z", b"X"} else fields[19]
    return None


def _has_entry(pid: int, entry: bytes) -> bool:
    """Return True if the process started with this entry in its environment."""
    with contextlib.suppress(OSError):
        return entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
