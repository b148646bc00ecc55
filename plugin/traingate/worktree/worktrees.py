"""Temporary worktrees of commits, removed whatever happens to this process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.worktree.repository import Repository, git_environment, run_git

_CLEANUP: Final = Path(__file__).with_name("cleanup.py")


_PATIENCE_SECONDS: Final = 60.0


class Worktrees:
    """Temporary worktrees of commits, each made once, all removed by ``close`` or our end."""

    def __init__(self) -> None:
        self._trees: dict[tuple[Path, str], Path] = {}
        self._cleanup: subprocess.Popen[bytes] | None = None

    def check_out(self, repository: Repository, commit: str) -> Path:
        """Return the folder that *commit* is checked out in, submodules too.

        Raises:
            BaselineError: if git cannot check it out.
        """
        key = (repository.root, commit)
        if key not in self._trees:
            tree = Path(tempfile.mkdtemp(prefix="traingate-base-")).resolve()
            self._add(repository, commit, tree)
            self._trees[key] = tree
        return self._trees[key]

    def close(self) -> None:
        """Remove them all."""
        cleanup, self._cleanup = self._cleanup, None
        self._trees.clear()
        if cleanup is None:
            return
        assert cleanup.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            cleanup.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it goes on by itself
            cleanup.wait(_PATIENCE_SECONDS)

    def _add(self, repository: Repository, commit: str, tree: Path) -> None:
        self._hand_over(repository, tree)  # before it is made: git may be interrupted
        with_hooks_off = ("-c", f"core.hooksPath={os.devnull}")
        adding = ("worktree", "add", "--detach", "--force", str(tree), commit)
        done = run_git(repository.root, *with_hooks_off, *adding)
        if done.returncode != 0:
            raise ConfigurationError(
                f"git could not check out commit {commit[:9]} of {repository.root}: "
                f"{done.stderr.strip()}"
            )
        for path, inner in repository.submodules(commit):
            shutil.rmtree(tree / path, ignore_errors=True)
            (tree / path).mkdir(parents=True)
            # Of the clone that is there: no network, and whatever has been committed in it.
            self._add(Repository(repository.root / path), inner, tree / path)

    def _hand_over(self, repository: Repository, tree: Path) -> None:
        """Let the cleanup remove ``tree`` when we close, or are gone."""
        if self._cleanup is None:
            self._cleanup = subprocess.Popen(  # noqa: S603 - our own script, no shell
                [sys.executable, "-I", "-S", str(_CLEANUP)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=git_environment(),
                start_new_session=True,  # Ctrl-C must not end it before its work is done
            )
        assert self._cleanup.stdin is not None
        entry = {"repository": str(repository.root), "folder": str(tree)}
        self._cleanup.stdin.write(json.dumps(entry).encode() + b"\n")
        self._cleanup.stdin.flush()
