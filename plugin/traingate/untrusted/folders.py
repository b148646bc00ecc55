"""Remove folders in which the programs of others may have left anything.

The scripts that clean up after a killed pytest load this module by its path, and it imports the
standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

_COMMANDS = (("chmod", "-R", "u+rwx", "--"), ("rm", "-rf", "--"))
"""Commands that remove what ``shutil.rmtree`` cannot."""

_SECONDS = 60.0


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
    for command in _COMMANDS if os.path.lexists(folder) else ():
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run([*command, folder], capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603
