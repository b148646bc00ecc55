"""Remove the shared memory that libraries remove only when a process ends by itself.

A worker is killed at its end, with all that it has started, among them the resource tracker of
``multiprocessing`` and the manager of ``torch.multiprocessing``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from traingate.protocol.shared_names import INTEL_OPENMP_FILES

_FOLDER: Final = Path("/dev/shm")  # noqa: S108 - where Linux has shared memory

_LIBRARIES: Final = re.compile(r"psm_[0-9a-f]+|torch_\d+_\d+_\d+")
"""Names that ``multiprocessing.shared_memory`` and ``torch.multiprocessing`` give. Other files may
be a user's, who wants to find them again."""


def shared_memory_of(pids: Iterable[int]) -> set[Path]:
    """Return the files of shared memory of processes that their libraries would remove.

    Args:
        pids: Process ids; those that have ended have none.
    """
    files: set[Path] = set()
    for pid in pids:
        files |= {file for file in _mapped(pid) if _LIBRARIES.fullmatch(file.name)}
        files |= {*_FOLDER.glob(f"{INTEL_OPENMP_FILES}{pid}_*")}
    return files


def remove_unused(files: Iterable[Path]) -> None:
    """Remove files of shared memory that no process uses any more.

    Args:
        files: Files of processes that have ended. Others may still have them in use.
    """
    left = {file for file in files if file.exists()}
    if not left:
        return
    for process in Path("/proc").glob("[0-9]*"):
        left -= _mapped(int(process.name))
    for file in left:
        with contextlib.suppress(OSError):
            file.unlink()


def _mapped(pid: int) -> set[Path]:
    """Return the files of shared memory in the address space of a process (proc(5), ``maps``)."""
    files: set[Path] = set()
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/maps").read_bytes().splitlines():
            path = line.split(maxsplit=5)[5:]
            if path and path[0].startswith(b"/dev/shm/"):
                files.add(Path(path[0].decode(errors="surrogateescape")))
    return files
