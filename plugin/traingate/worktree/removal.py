"""Remove temporary folders when a run ends, even if its process is killed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from traingate.untrusted.clock import wait_for_exit
from traingate.worktree.git_command import git_environment

_CLEANUP_SCRIPT: Final = Path(__file__).with_name("cleanup.py")

_CLOSE_TIMEOUT_SECONDS: Final = 60.0
"""Time that ``close`` waits for the removal."""

_ATTEMPTS: Final = 2
"""Number of times that ``close`` tries to have the folders removed."""


class Removal:
    """Folders that are removed by ``close``, or when this process ends for any reason.

    A process beside this one removes them. It is told of each folder before the folder is made, so
    that an interruption at any moment leaves none. A context manager that calls ``close``.
    """

    def __init__(self) -> None:
        self._cleanup: subprocess.Popen[bytes] | None = None
        self._entries: list[dict[str, str | int]] = []
        self._owner = 0  # process that has started the script
        self._sent = 0  # number of the entries that the script has

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
        self._send({"folder": _wire_path(folder)})
        folder.mkdir(mode=0o700)
        return folder

    def remove_worktree_at_end(self, repository: Path, folder: Path) -> None:
        """Remove a worktree of a repository at the end.

        Args:
            repository: Root of the repository.
            folder: Folder of the worktree.
        """
        self._send({"folder": _wire_path(folder), "repository": _wire_path(repository)})

    def remove_matching_at_end(self, pattern: str) -> None:
        """Remove all folders at the end that match a pattern.

        Args:
            pattern: Absolute path, with the wildcards of ``glob``.
        """
        self._send({"pattern": _wire_path(pattern)})

    def note_group(self, group: int, *, runs: bool) -> None:
        """Note whether a process group runs; it is killed if this process ends meanwhile.

        Args:
            group: Number of the group.
            runs: True when it has started, False when it has ended.
        """
        self._send({"group": group, "runs": runs})

    def close(self) -> None:
        """Remove the folders."""
        for _ in range(_ATTEMPTS if self._entries else 0):
            with contextlib.suppress(OSError):  # of a process that was killed, or cannot be started
                self._write()
            if self._cleanup is not None and self._end_cleanup():
                break
        self._entries.clear()

    def _end_cleanup(self) -> bool:
        """Let the cleanup script remove everything; return whether it could, or still does."""
        cleanup, self._cleanup, self._sent = self._cleanup, None, 0
        assert cleanup is not None
        assert cleanup.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            if os.getpid() == self._owner:  # a process that it has forked ends nothing
                # Such a process may hold the pipe open, so its end does not tell.
                cleanup.stdin.write(json.dumps({"ended": True}).encode() + b"\n")
                cleanup.stdin.flush()
        with contextlib.suppress(BrokenPipeError):
            cleanup.stdin.close()
        return not wait_for_exit(cleanup, _CLOSE_TIMEOUT_SECONDS)  # else it goes on without us

    def _send(self, entry: dict[str, str | int]) -> None:
        """Send an entry to the cleanup script, which is started for the first one."""
        self._entries.append(entry)
        try:
            self._write()
        except BrokenPipeError:  # somebody has killed it, such as the kernel for lack of memory
            self._end_cleanup()
            self._write()

    def _write(self) -> None:
        """Write the entries that the cleanup script lacks; it is started if none runs.

        Raises:
            OSError: If it cannot be started, or was killed.
        """
        if self._cleanup is None:
            self._sent, self._owner = 0, os.getpid()
            self._cleanup = subprocess.Popen(  # noqa: S603 - our own script, no shell
                [sys.executable, "-I", "-S", str(_CLEANUP_SCRIPT), str(self._owner)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=git_environment(),
                start_new_session=True,  # Ctrl-C must not end the script early
            )
        assert self._cleanup.stdin is not None
        entries = self._entries[self._sent :]
        lines = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
        self._cleanup.stdin.write(lines)
        self._cleanup.stdin.flush()
        self._sent += len(entries)


def _wire_path(path: Path | str) -> str:
    """Return a path as the script reads it, whose encoding of names may be another one."""
    return os.fsencode(path).decode(errors="surrogateescape")
