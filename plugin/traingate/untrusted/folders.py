"""Remove folders in which the programs of others may have left anything.

The scripts that clean up after a killed pytest load this module by its path, and it imports the
standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from time import CLOCK_MONOTONIC, clock_gettime, sleep

_SECONDS = 5.0
"""Longest time of each command."""

_POLL_SECONDS = 0.01


def remove_folder(folder: str | os.PathLike[str]) -> None:
    """Remove a folder and all that is in it; of a link in its place, the link alone.

    Folders that may not be written to are removed too, such as those of Go's module cache, and
    folders that are nested too deeply for Python. What nobody can remove stays.
    """
    if os.path.islink(folder):  # noqa: PTH114 - also run by scripts, for a text
        with contextlib.suppress(OSError):
            os.unlink(folder)  # noqa: PTH108
        return
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        path = os.path.abspath(folder)  # noqa: PTH100
        # Of folders alone, and of no other file system: a file may have a second name outside.
        _run(["find", path, "-xdev", "-type", "d", "-exec", "chmod", "u+rwx", "{}", ";"])
        _run(["rm", "-rf", "--one-file-system", path])


def _run(command: list[str]) -> None:
    """Run a command for a limited time, by a clock that tests cannot stop."""
    silent = subprocess.DEVNULL
    with contextlib.suppress(OSError):  # of a missing program, or a lack of descriptors
        process = subprocess.Popen(command, stdin=silent, stdout=silent, stderr=silent)  # noqa: S603
        deadline = clock_gettime(CLOCK_MONOTONIC) + _SECONDS
        while process.poll() is None:
            if clock_gettime(CLOCK_MONOTONIC) > deadline:
                process.kill()
            sleep(_POLL_SECONDS)
