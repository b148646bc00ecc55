"""Find what a session of tests has left: processes, temporary folders of traingate, worktrees."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "TRAINGATE_TESTS_SESSION"
"""Variable that all processes of a session of tests inherit; its value is the session's folder."""

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Surroundings:
    """State before a session of tests.

    Attributes:
        folder: Folder for temporary files that nothing but the session uses.
        worktrees: Worktrees of the checkout.
    """

    folder: Path
    worktrees: frozenset[str]

    def leftovers(self, seconds: float) -> list[str]:
        """Return descriptions of what is left; wait so long for processes that clean up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self._leftovers():
            time.sleep(0.1)
        return self._leftovers()

    def _leftovers(self) -> list[str]:
        folders = [f"folder {path}" for path in sorted(self.folder.glob("traingate-*"))]
        added = sorted(worktrees() - self.worktrees)
        bases = [f"worktree {line}" for line in added if "traingate-" in line]
        return [*_processes(self.folder), *folders, *bases]

    def remove(self) -> None:
        """Remove the folder for temporary files."""
        shutil.rmtree(self.folder, ignore_errors=True)


def prepare() -> Surroundings:
    """Return the present state, and let the session have a folder for temporary files of its own.

    pytest's own folders stay where they are, since it keeps those of the last sessions.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    # Its name is short, since paths of sockets begin with it.
    folder = Path(tempfile.mkdtemp(prefix="tt-")).resolve()
    os.environ["TMPDIR"] = os.environ[MARK] = str(folder)
    tempfile.tempdir = None
    return Surroundings(folder, worktrees())


def paths_below(folder: Path, suffix: str = "") -> list[Path]:
    """Return the files and folders below *folder* whose names end in *suffix*.

    Other processes may remove some of them meanwhile; ``Path.rglob`` of Python 3.11 would raise.
    """
    return [
        Path(parent, name)
        for parent, folders, files in os.walk(folder)
        for name in (*folders, *files)
        if name.endswith(suffix)
    ]


def worktrees() -> frozenset[str]:
    """Return the worktrees of the checkout; none if this is no checkout."""
    command = ["git", "-C", str(ROOT), "worktree", "list"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    return frozenset(process.stdout.splitlines())


def _processes(folder: Path) -> list[str]:
    """Return descriptions of the processes that have the mark, or that name the folder."""
    own = {os.getpid(), *(process.pid for process in psutil.Process().parents())}
    descriptions = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            is_marked = process.environ().get(MARK) == str(folder) or f"{folder}/" in command
            is_running = process.status() != psutil.STATUS_ZOMBIE
            if is_marked and is_running and process.pid not in own:
                descriptions.append(f"process {process.pid} {command}")
    return descriptions
