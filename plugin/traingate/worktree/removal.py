"""Remove temporary folders when a run ends, even if its process is killed."""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from traingate.worktree.git_command import git_environment

_CLEANUP_SCRIPT: Final = Path(__file__).with_name("cleanup.py")

_CLOSE_TIMEOUT_SECONDS: Final = 60.0
"""Time that ``close`` waits for the removal."""


class Removal:
    """Folders that are removed by ``close``, or when this process ends for any reason.

    A process beside this one removes them. It is told of each folder before the folder is made, so
    that an interruption at any moment leaves none. A context manager that calls ``close``.
    """

    def __init__(self) -> None:
        self._cleanup: subprocess.Popen[bytes] | None = None
        self._entries: list[dict[str, str | int]] = []

    def __enter__(self) -> Removal:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def make_folder(self, prefix: str, parent: Path | None = None) -> Path:
        """Make a private folder, and return it.

        Args:
            prefix: Start of its name.
            parent: Folder to make it in; None for the usual one for temporary files.
        """
        parent = Path(tempfile.gettempdir() if parent is None else parent).resolve()
        folder = parent / f"{prefix}{secrets.token_hex(8)}"
        self._send({"folder": str(folder)})
        folder.mkdir(mode=0o700)
        return folder

    def remove_worktree(self, repository: Path, folder: Path) -> None:
        """Remove a worktree of a repository at the end.

        Args:
            repository: Root of the repository.
            folder: Folder of the worktree.
        """
        self._send({"folder": str(folder), "repository": str(repository)})

    def remove_matching(self, pattern: str) -> None:
        """Remove all folders at the end that match a pattern.

        Args:
            pattern: Absolute path, with the wildcards of ``glob``.
        """
        self._send({"pattern": pattern})

    def note_group(self, group: int, *, runs: bool) -> None:
        """Kill a process group if this process ends while the group *runs*."""
        self._send({"group": group, "runs": runs})

    def close(self) -> None:
        """Remove the folders."""
        if self._cleanup is not None and not self._end_cleanup():
            with contextlib.suppress(BrokenPipeError):
                self._restart_cleanup()
                self._end_cleanup()
        self._entries.clear()

    def _end_cleanup(self) -> bool:
        """Let the cleanup script remove everything; return whether it could, or still does."""
        cleanup, self._cleanup = self._cleanup, None
        assert cleanup is not None
        assert cleanup.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            cleanup.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # the script goes on without us
            cleanup.wait(_CLOSE_TIMEOUT_SECONDS)
        return not cleanup.returncode

    def _send(self, entry: dict[str, str | int]) -> None:
        """Send an entry to the cleanup script, which is started for the first one."""
        self._entries.append(entry)
        try:
            self._write([entry])
        except BrokenPipeError:  # somebody has killed it, such as the kernel for lack of memory
            self._restart_cleanup()

    def _restart_cleanup(self) -> None:
        """Start the cleanup script anew, with all entries so far.

        Raises:
            BrokenPipeError: If it was killed again.
        """
        if self._cleanup is not None:
            self._end_cleanup()
        self._write(self._entries)

    def _write(self, entries: Sequence[dict[str, str | int]]) -> None:
        """Write entries to the cleanup script, which is started if none runs."""
        if self._cleanup is None:
            self._cleanup = subprocess.Popen(  # noqa: S603 - our own script, no shell
                [sys.executable, "-I", "-S", str(_CLEANUP_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=git_environment(),
                start_new_session=True,  # Ctrl-C must not end the script early
            )
        assert self._cleanup.stdin is not None
        lines = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
        self._cleanup.stdin.write(lines)
        self._cleanup.stdin.flush()
