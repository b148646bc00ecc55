"""Commits of the user's repository, and temporary worktrees of them.

By the git command: whoever has a repository has it, and it knows all formats and settings.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError

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
            return run_git(path.parent, "rev-parse", "--show-toplevel").stderr.strip()
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
            describe, _, path = entry.partition("\t")
            mode, _, name = describe.split()
            if mode == _SUBMODULE_MODE and (self.root / path / ".git").exists():
                found.append((path, name))
        return found


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails."""
    try:
        done = run_git(folder, *arguments)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in *folder* without a prompt, and end it with all it started if interrupted."""
    command = ("git", "-C", str(folder), *arguments)
    with subprocess.Popen(  # noqa: S603 - no shell, and references come after --end-of-options
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",  # names of files
        env=git_environment(),
        start_new_session=True,  # so that git and what it starts can be ended together
    ) as process:
        try:
            output, complaint = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, complaint)


def git_environment() -> dict[str, str]:
    """Return our variables without those that tie git to one repository."""
    kept = {name: value for name, value in os.environ.items() if name not in _OF_ONE_REPOSITORY}
    # Looking at the tree must leave no lock behind, if git is interrupted at it.
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
