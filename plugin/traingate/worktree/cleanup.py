"""Removes git worktrees when its standard input ends: ``python cleanup.py``, run by ``repository``.

Each line is a JSON object: ``folder`` to delete, and ``repository`` whose worktree it is. The end
comes when the parent says so by closing its end, or when the parent is gone, however it went: so a
killed pytest leaves no worktree behind. Run by path; standard library only; nobody imports it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys


def main() -> None:
    """Wait for the end, then clean up, the last worktree first."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    entries = [json.loads(line) for line in sys.stdin]
    for entry in reversed(entries):
        # The files first: git would refuse a worktree that it had not finished. Then its entry,
        # twice forced since git locks one while it is made.
        shutil.rmtree(entry["folder"], ignore_errors=True)
        command = ("git", "-C", entry["repository"], "worktree", "remove", "-f", "-f")
        with contextlib.suppress(OSError):  # no git any more, or no repository
            subprocess.run([*command, entry["folder"]], capture_output=True, check=False)  # noqa: S603


if __name__ == "__main__":
    main()
