"""Remove locks that killed workers have left in a folder of C++ extensions.

``torch.utils.cpp_extension.load`` creates a file ``lock`` while it builds an extension, and waits
without end for the removal of one that it finds.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import psutil

_RELEASE_SECONDS: Final = 0.5
"""Time between two looks at a lock: its owner closes the file shortly before it removes it."""


def remove_stale_locks(extensions: Path) -> None:
    """Remove the locks of extensions that no running process holds.

    Args:
        extensions: Folder with a subfolder for each extension.
    """
    locks = _unheld(extensions.glob("*/lock"))
    if not locks:
        return
    time.sleep(_RELEASE_SECONDS)
    for lock in _unheld(locks):
        lock.unlink(missing_ok=True)


def _unheld(locks: Iterable[Path]) -> set[Path]:
    """Return those of *locks* that exist and that no process has open."""
    existing_locks = {lock for lock in locks if lock.exists()}
    if not existing_locks:
        return set()
    open_files: set[Path] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            open_files.update(Path(file.path) for file in process.open_files())
    return {lock for lock in existing_locks if lock.resolve() not in open_files}
