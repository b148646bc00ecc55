"""Remove folders as soon as a parent has ended: the script ``python cleanup.py PARENT``.

Each line of standard input is a JSON object. It has either ``folder``, which is deleted, and
``repository`` if the folder is a worktree of one; or ``pattern``, by which all folders are deleted
that ``glob.glob`` finds; or ``group``, a process group that fills such a folder and is killed
first, and ``runs``, which is false once it has ended; or ``ended``, after which nothing is read.
Paths are the bytes of the file system, read as UTF-8 with the error handler ``surrogateescape``. A
line that is none of these is left out.

``removal.py`` starts this script by path, and no module imports it; it imports the standard library
alone. Its input is a pipe. The folders are removed when the parent says that it has ended, when the
pipe ends, or when the process PARENT is gone for any reason, so a killed pytest leaves no folder
behind, also if a process that it has forked holds the pipe open.
"""

from __future__ import annotations

import contextlib
import glob
import itertools
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

_ATTEMPTS: Final = 25
_ATTEMPT_SECONDS: Final = 0.2
_GIT_SECONDS: Final = 60.0

_UNTRUSTED: Final = Path(__file__).resolve().parents[1] / "untrusted"
_PARENT_INPUT: Final = runpy.run_path(str(_UNTRUSTED / "parent_input.py"))
_REMOVE_FOLDER: Final = runpy.run_path(str(_UNTRUSTED / "folders.py"))["remove_folder"]
"""Functions of modules; a script has no package to import them from."""


def main(parent: int) -> None:
    """Read all entries from standard input, then remove them, the last one first.

    Args:
        parent: Process id of the parent.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    lines = _PARENT_INPUT["read_lines_until_parent_ends"](sys.stdin.fileno(), parent)
    entries = [*itertools.takewhile(lambda entry: "ended" not in entry, _whole_entries(lines))]
    groups = {
        entry["group"]: entry.get("runs")
        for entry in entries
        if isinstance(entry.get("group"), int)
    }
    for group in (group for group, runs in groups.items() if runs):
        with contextlib.suppress(OSError, OverflowError):
            os.killpg(group, signal.SIGKILL)
    for entry in reversed(entries):
        with contextlib.suppress(Exception):  # whatever is wrong with it, the others are removed
            _remove_entry(entry)


def _whole_entries(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the entries of all lines but damaged ones: a killed parent may leave half of one."""
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if isinstance(entry, dict):
                yield entry


def _remove_entry(entry: dict[str, Any]) -> None:
    """Delete the folders of an entry, and git's own entry of a worktree."""
    if "pattern" in entry:
        for folder in glob.glob(_path(entry["pattern"])):  # noqa: PTH207 - absolute
            _remove(folder)
    if "folder" not in entry:
        return
    folder = _path(entry["folder"])
    _remove(folder)
    if "repository" in entry:
        # The files are deleted before git's entry, since git refuses to remove a worktree whose
        # checkout was interrupted. Force twice, since git locks a worktree while it creates it.
        command = ("git", "-C", _path(entry["repository"]), "worktree", "remove", "-f", "-f")
        # git or the repository may be gone by now, or on a server that does not answer.
        subprocess.run([*command, folder], capture_output=True, check=False, timeout=_GIT_SECONDS)  # noqa: S603


def _path(text: str) -> str:
    """Return a path of the file system, whatever the encodings of the two processes are."""
    return os.fsdecode(text.encode(errors="surrogateescape"))


def _remove(folder: str) -> None:
    """Delete a folder, in which processes that are about to end may still write.

    Of a link in its place, the link alone is deleted.
    """
    for _ in range(_ATTEMPTS):
        _REMOVE_FOLDER(folder)
        if not os.path.lexists(folder):
            return
        time.sleep(_ATTEMPT_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
