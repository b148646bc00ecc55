"""Remove folders as soon as standard input ends: the script ``python cleanup.py``.

Each line of standard input is a JSON object. It has either ``folder``, which is deleted, and
``repository`` if the folder is a worktree of one; or ``pattern``, by which all folders are deleted
that ``glob.glob`` finds; or ``group``, a process group that fills such a folder and is killed
first, and ``runs``, which is false once it has ended. ``removal.py`` starts this script by path,
and no module imports it; it imports the standard library alone. Its input is a pipe, which ends
when the parent closes it or when the parent is gone for any reason, so a killed pytest leaves no
folder behind.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

_ATTEMPTS: Final = 25
_ATTEMPT_SECONDS: Final = 0.2
_GIT_SECONDS: Final = 60.0


def main() -> None:
    """Read all entries from standard input, then remove them, the last one first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    entries = [json.loads(line) for line in sys.stdin]
    groups = {entry["group"]: entry["runs"] for entry in entries if "group" in entry}
    for group in (group for group, runs in groups.items() if runs):
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    for entry in reversed(entries):
        for folder in glob.glob(entry["pattern"]) if "pattern" in entry else ():  # noqa: PTH207 - absolute
            _remove(folder)
        if "folder" in entry:
            _remove(entry["folder"])
        if "repository" not in entry:
            continue
        # The files are deleted before git's entry, since git refuses to remove a worktree whose
        # checkout was interrupted. Force twice, since git locks a worktree while it creates it.
        command = ("git", "-C", entry["repository"], "worktree", "remove", "-f", "-f")
        # git or the repository may be gone by now, or on a server that does not answer.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(  # noqa: S603
                [*command, entry["folder"]],
                capture_output=True,
                check=False,
                timeout=_GIT_SECONDS,
            )


def _remove(folder: str) -> None:
    """Delete a folder, in which processes that are about to end may still write."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            return
        time.sleep(_ATTEMPT_SECONDS)


if __name__ == "__main__":
    main()
