"""Decide whether a base failed for want of a file that its commit does not have. Pure."""

from __future__ import annotations

from typing import Final

from traingate.controller.job import Job
from traingate.errors import TraingateError, WorkloadError

_SIGNS: Final = (
    "FileNotFoundError",
    "No such file or directory",
    "cannot open shared object file",
    " not found",
)
"""Parts of messages of Python, the C library and torchvision about a file that is missing."""


def missing_file_advice(error: TraingateError, base: Job) -> str | None:
    """Return a sentence on how to get a file that the tree of a base seems to lack, else None.

    Args:
        error: Error that ended the duet.
        base: Job of the base.
    """
    if base.side is None or base.side.relocation is None or not isinstance(error, WorkloadError):
        return None
    message = str(error)
    is_of_base = f" of the base, {base.side.title}" in message
    if not is_of_base or not any(map(message.__contains__, _SIGNS)):
        return None
    origin = base.side.relocation.origin
    return (
        "The base's tree has only the files that git has. If it lacks one that git ignores, such "
        "as data or a library, build it there, or link to it, by --traingate-base-setup COMMAND: "
        f"for example 'ln -s {origin}/data data'."
    )
