"""Check out commits into temporary worktrees.

They are removed even if this process is killed, and so are other folders that are named here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.untrusted.masking import masked_text
from traingate.worktree.git_command import git_environment, run_git
from traingate.worktree.repository import Repository

_CLEANUP_SCRIPT: Final = Path(__file__).with_name("cleanup.py")

_CLOSE_TIMEOUT_SECONDS: Final = 60.0
"""Time that ``close`` waits for the removal of the worktrees."""


class Worktrees:
    """Temporary worktrees, one per commit, removed by ``close`` or when this process ends.

    Args:
        folder: Folder to make them in; None for the usual one for temporary files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._trees: dict[tuple[Path, str], Path] = {}
        self._cleanup: subprocess.Popen[bytes] | None = None
        self._entries: list[dict[str, str | int]] = []

    def check_out(self, repository: Repository, commit: str) -> Path:
        """Return the folder in which *commit* and its submodules are checked out.

        Args:
            repository: Repository that contains the commit.
            commit: Full name of the commit.

        Raises:
            ConfigurationError: If git cannot check it out.
        """
        key = (repository.root, commit)
        if key not in self._trees:
            tree = Path(tempfile.mkdtemp(prefix="traingate-base-", dir=self._folder)).resolve()
            self._add(repository, commit, tree)
            self._trees[key] = tree
        return self._trees[key]

    def add_without_files(self, repository: Repository, commit: str) -> Path:
        """Return the folder of a new worktree at *commit* in which no file is checked out.

        Args:
            repository: Repository that contains the commit.
            commit: Full name of the commit.

        Raises:
            ConfigurationError: If git cannot make it.
        """
        tree = Path(tempfile.mkdtemp(prefix="traingate-bisect-", dir=self._folder)).resolve()
        self._add_worktree(repository, commit, tree, "--no-checkout")
        return tree

    def remove_at_end(self, pattern: str) -> None:
        """Let ``close``, or the end of this process, remove all folders that match *pattern*.

        Args:
            pattern: Absolute path, with the wildcards of ``glob``.
        """
        self._send({"pattern": pattern})

    def close(self) -> None:
        """Remove all worktrees, and the folders of ``remove_at_end``."""
        self._trees.clear()
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

    def _add(self, repository: Repository, commit: str, tree: Path) -> None:
        """Check out *commit* into the folder *tree*, and its submodules into their folders."""
        self._add_worktree(repository, commit, tree)
        for path, submodule_commit in repository.submodules(commit):
            shutil.rmtree(tree / path, ignore_errors=True)
            (tree / path).mkdir(parents=True)
            # The working tree's clone of the submodule is used: it needs no network, and has the
            # commits that were made in it and not pushed.
            self._add(Repository(repository.root / path), submodule_commit, tree / path)

    def _add_worktree(self, repository: Repository, commit: str, tree: Path, *options: str) -> None:
        """Make the folder *tree* a worktree of *commit*, with further options of git."""
        self._register(repository, tree)  # first, since git may be interrupted
        no_hooks = ("-c", f"core.hooksPath={os.devnull}")
        command = ("worktree", "add", "--detach", "--force", *options, str(tree), commit)
        process = run_git(repository.root, *no_hooks, *command, on_change=self._note_group)
        if process.returncode != 0:
            raise ConfigurationError(
                f"git could not check out commit {commit[:9]} of {repository.root}: "
                f"{masked_text(process.stderr.strip())}"
            )

    def _register(self, repository: Repository, tree: Path) -> None:
        """Make the cleanup script remove *tree* when ``close`` is called or this process ends."""
        self._send({"repository": str(repository.root), "folder": str(tree)})

    def _note_group(self, group: int, *, runs: bool) -> None:
        """Make the cleanup script kill a process group if this process ends while it *runs*."""
        self._send({"group": group, "runs": runs})

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
