"""Find a folder for temporary files from which compiled code can be loaded."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from traingate.host.user_folders import NoHomeError, user_cache_folder

CACHE_VARIABLE: Final = "TORCHINDUCTOR_CACHE_DIR"
"""Variable by which a user says where inductor is to keep compiled kernels."""


def folder_for_compiled_code() -> Path | None:
    """Return a folder with room, on a filesystem that is not mounted noexec; None if there is none.

    The first that can be used is taken: that of ``TORCHINDUCTOR_CACHE_DIR``, the usual one for
    temporary files (TMPDIR), the user's folder for caches, and those that most systems have.
    """
    return next(filter(_can_be_used, chain(_folders_for_kernels(), _temporary_folders())), None)


def folder_for_builds() -> Path | None:
    """Return a folder to check a commit out in, whose programs can be run; None if there is none.

    The same folders as in ``folder_for_compiled_code`` are tried, but that of
    ``TORCHINDUCTOR_CACHE_DIR`` last: its user meant it for kernels.
    """
    return next(filter(_can_be_used, chain(_temporary_folders(), _folders_for_kernels())), None)


def _folders_for_kernels() -> Iterator[Path]:
    if os.environ.get(CACHE_VARIABLE):
        yield Path(os.environ[CACHE_VARIABLE]).absolute()


def _temporary_folders() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    with contextlib.suppress(NoHomeError):
        yield user_cache_folder()
    yield from map(Path, ("/var/tmp", "/dev/shm"))  # noqa: S108 - the caller makes a private one


def _can_be_used(folder: Path) -> bool:
    """Return whether *folder*, which is made if it is missing, takes files that can be executed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        filesystem = os.statvfs(folder)
    except OSError:
        return False
    if filesystem.f_flag & os.ST_NOEXEC or not os.access(folder, os.W_OK | os.X_OK):
        return False
    # Filesystems without a limit say 0 of 0.
    has_blocks = filesystem.f_bavail > 0 or not filesystem.f_blocks
    return has_blocks and (filesystem.f_favail > 0 or not filesystem.f_files)
