"""Commits of the user's repository, and temporary worktrees of them.

By the git command: whoever has a repository has it, and it knows all formats and settings.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError

_JANITOR: Final = Path(__file__).with_name("cleanup.py")
_PATIENCE_SECONDS: Final = 60.0
_SUBMODULE_MODE: Final = "160000"

_OF_ONE_REPOSITORY: Final = {
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
}  # fmt: skip
"""Variables that git sets for its hooks: under one, they would lead each command astray."""


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree.

    Attributes:
        root: of the working tree, symbolic links resolved.
    """

    root: Path

    @classmethod
    def around(cls, path: Path) -> Repository | None:
        """The innermost repository that holds ``path``; None if there is none, or no git."""
        folder = path if path.is_dir() else path.parent
        found = _git(folder, "rev-parse", "--show-toplevel")
        return cls(Path(found).resolve()) if found else None

    @property
    def is_submodule(self) -> bool:
        """Whether it is checked out as a part of another one."""
        return bool(_git(self.root, "rev-parse", "--show-superproject-working-tree"))

    @staticmethod
    def complaint(path: Path) -> str:
        """What git says where ``around`` finds none: perhaps that it does not trust the owner."""
        try:
            return _run(path.parent, "rev-parse", "--show-toplevel").stderr.strip()
        except OSError as error:
            return f"git does not run: {error}"

    def commit(self, reference: str) -> str:
        """The full name of the commit that ``reference`` names.

        Raises:
            ConfigurationError: if it names none.
        """
        wanted = f"{reference}^{{commit}}"
        found = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        if not found:
            raise ConfigurationError(
                f"{reference!r} names no commit of {self.root}. A shallow clone may lack it: "
                "git fetch origin REF, or fetch-depth: 0 for actions/checkout."
            )
        return found.splitlines()[-1]

    def has(self, commit: str, path: Path) -> bool:
        """Whether ``commit`` is there, and holds the file at ``path``."""
        inside = path.relative_to(self.root).as_posix()
        return _git(self.root, "cat-file", "-e", f"{commit}:{inside}") is not None

    def text(self, commit: str, path: Path) -> str | None:
        """What ``commit`` has at ``path``; None if there is nothing."""
        inside = path.relative_to(self.root).as_posix()
        return _git(self.root, "cat-file", "blob", f"{commit}:{inside}")

    def is_at(self, commit: str) -> bool:
        """Whether the tracked files of the working tree are just those of ``commit``."""
        return _git(self.root, "diff", "--quiet", commit, "--") is not None

    def submodules(self, commit: str) -> list[tuple[str, str]]:
        """Path and commit of each submodule that ``commit`` has and that is checked out here."""
        listing = _git(self.root, "ls-tree", "-r", "-z", commit) or ""
        found = []
        for entry in filter(None, listing.split("\0")):
            described, _, path = entry.partition("\t")
            mode, _, name = described.split()
            if mode == _SUBMODULE_MODE and (self.root / path / ".git").exists():
                found.append((path, name))
        return found


class Worktrees:
    """Temporary worktrees of commits, each made once, all removed by ``close`` or our end."""

    def __init__(self) -> None:
        self._trees: dict[tuple[Path, str], Path] = {}
        self._janitor: subprocess.Popen[bytes] | None = None

    def of(self, repository: Repository, commit: str) -> Path:
        """The folder that ``commit`` is checked out in, submodules too.

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
        janitor, self._janitor = self._janitor, None
        self._trees.clear()
        if janitor is None:
            return
        assert janitor.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            janitor.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it goes on by itself
            janitor.wait(_PATIENCE_SECONDS)

    def _add(self, repository: Repository, commit: str, tree: Path) -> None:
        self._hand_over(repository, tree)  # before it is made: git may be interrupted
        with_hooks_off = ("-c", f"core.hooksPath={os.devnull}")
        adding = ("worktree", "add", "--detach", "--force", str(tree), commit)
        done = _run(repository.root, *with_hooks_off, *adding)
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
        """Let the janitor remove ``tree`` when we close, or are gone."""
        if self._janitor is None:
            self._janitor = subprocess.Popen(  # noqa: S603 - our own script, no shell
                [sys.executable, "-I", "-S", str(_JANITOR)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C must not end it before its work is done
            )
        assert self._janitor.stdin is not None
        entry = {"repository": str(repository.root), "folder": str(tree)}
        self._janitor.stdin.write(json.dumps(entry).encode() + b"\n")
        self._janitor.stdin.flush()


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails."""
    try:
        done = _run(folder, *arguments)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ("git", "-C", str(folder), *arguments)
    with subprocess.Popen(  # noqa: S603 - no shell, and references come after --end-of-options
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",  # names of files
        env=_environment(),
        start_new_session=True,  # so that git and what it starts can be ended together
    ) as process:
        try:
            output, complaint = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, complaint)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    # Looking at the tree must leave no lock behind, if git is interrupted at it.
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
