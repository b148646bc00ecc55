"""Read the end of what another process prints into a file, and keep such a file from growing."""

from __future__ import annotations

import os
from typing import Final

KEPT_BYTES: Final = 64 << 10
"""Largest part of an output that is read or kept: its end."""

MAX_BYTES: Final = 32 << 20
"""Size of an output from which on it is cut while it is written: it must not fill the disk."""


def end_of_output(descriptor: int) -> tuple[bytes, bool]:
    """Return the end of an output, and whether there is more before it.

    Args:
        descriptor: Number of its open regular file, which can be read.

    Raises:
        OSError: If it cannot be read.
    """
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, KEPT_BYTES, max(0, size - KEPT_BYTES)), size > KEPT_BYTES


def cut_output(descriptor: int) -> None:
    """Cut an output to its end if it is long. What is printed meanwhile may be lost.

    Args:
        descriptor: Number of its open regular file, for reading and appending. The process that
            prints has it open for appending too.

    Raises:
        OSError: If it cannot be read or written, as on a full disk.
    """
    if os.fstat(descriptor).st_size > MAX_BYTES:
        end, _ = end_of_output(descriptor)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, end)
