"""Give a finished file a name that no other file has, on any file system.

Whenever the process is killed, the name stands for the whole file or for none: it is never reserved
by an empty one. This module imports the standard library alone, and modules of traingate that do
the same.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from traingate.untrusted.locks import locked

_LOCK_SECONDS: Final = 10.0
"""Longest wait for another process that names a new file in the same folder."""

_AT_FDCWD: Final = -100
_RENAME_NOREPLACE: Final = 1
"""Values of fcntl.h and of renameat2(2): paths are as for rename(2), and nothing is replaced."""


def rename_to_new(file: Path, path: Path) -> None:
    """Rename a file in its folder, unless there is anything at *path*.

    File systems without hard links, such as exFAT, can mostly rename without replacing. Where one
    cannot, as many in user space, the lock of the folder keeps other processes of traingate away;
    without locks, the last of two that name a file at the same instant replaces the other one.

    Args:
        file: Path of the file.
        path: New path.

    Raises:
        FileExistsError: If there is anything at *path*.
        OSError: If it cannot be renamed.
    """
    try:
        os.link(file, path)
    except FileExistsError:
        raise
    except OSError:  # of a file system without links
        _rename_without_links(file, path)
    else:
        file.unlink()


def _rename_without_links(file: Path, path: Path) -> None:
    try:
        _rename_without_replacing(file, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError):  # of the file system, or of an old C library
        with locked(path.parent, _LOCK_SECONDS):
            if os.path.lexists(path):
                raise _error(errno.EEXIST, path) from None
            file.replace(path)


def _rename_without_replacing(file: Path, path: Path) -> None:
    """Rename a file by renameat2(2), which fails if there is anything at *path*."""
    import ctypes  # noqa: PLC0415 - pytest's hooks import this module at the start of each run

    names = os.fsencode(file), os.fsencode(path)
    rename = ctypes.CDLL(None, use_errno=True).renameat2
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE):
        raise _error(ctypes.get_errno(), path)


def _error(number: int, path: Path) -> OSError:
    """Return the exception of an error of the system, of the class that belongs to its number."""
    return OSError(number, os.strerror(number), str(path))
