"""Remove git worktrees as soon as standard input ends: the script ``python cleanup.py``.

Each line of standard input is a JSON object with two paths: ``folder``, which is deleted, and
``repository``, whose worktree it is. ``worktrees.py`` starts this script by path, and no module
imports it; it imports the standard library alone. Its input is a pipe, which ends when the parent
closes it or when the parent is gone for any reason, so a killed pytest leaves no worktree behind.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys


def main() -> None:
    """Read all worktrees from standard input, then remove them, the last one first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    entries = [json.loads(line) for line in sys.stdin]
    for entry in reversed(entries):
        # Delete the files before git's entry, since git refuses to remove a worktree whose checkout
        # was interrupted. Force twice, since git locks a worktree while it creates it.
        shutil.rmtree(entry["folder"], ignore_errors=True)
        command = ("git", "-C", entry["repository"], "worktree", "remove", "-f", "-f")
        with contextlib.suppress(OSError):  # git or the repository may be gone by now
            subprocess.run([*command, entry["folder"]], capture_output=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main()
