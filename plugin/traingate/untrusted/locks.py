"""Take locks that end with their process.

This module imports the standard library alone, and modules of traingate that do the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from traingate.untrusted.clock import monotonic

_LOCK_POLL_SECONDS: Final = 0.02


@contextlib.contextmanager
def locked(folder: Path, seconds: float) -> Iterator[bool]:
    """Hold the lock of a folder, which other processes of traingate take too (flock(2)).

    Args:
        folder: Folder, in which nothing is written for the lock.
        seconds: Longest wait for another process that holds it.

    Yields:
        True if the lock is held, also if this thread has taken it before; False after the wait, or
        if the file system has no locks.
    """
    deadline = monotonic() + seconds
    try:
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        status = os.fstat(file)
        key = (status.st_dev, status.st_ino)
        if key in _HELD.keys:
            yield True
            return
        is_locked = _lock(file, deadline)
        _HELD.keys |= {key} if is_locked else set()
        try:
            yield is_locked
        finally:
            _HELD.keys -= {key}
    finally:
        os.close(file)


def try_to_lock(file: int) -> bool | None:
    """Lock an open file for other processes, until it is closed (flock(2)).

    Args:
        file: Descriptor of the file.

    Returns:
        True if the lock was taken, None if another process holds it, False if there can be none.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    except OSError:
        return False
    return True


class _HeldLocks(threading.local):
    """Folders whose lock this thread holds, as pairs of device and inode."""

    def __init__(self) -> None:
        self.keys: frozenset[tuple[int, int]] = frozenset()


_HELD: Final = _HeldLocks()


def _lock(file: int, deadline: float) -> bool:
    """Return whether the lock was taken before the deadline."""
    has_lock = try_to_lock(file)
    while has_lock is None and monotonic() < deadline:
        time.sleep(_LOCK_POLL_SECONDS)
        has_lock = try_to_lock(file)
    return bool(has_lock)
