"""Read commits of the user's repository.

All access goes through the git command: a user who has a repository has git too, and git supports
all of its own storage formats and settings.
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
"""Mode of a submodule's entry in the output of git-ls-tree(1)."""

_REPOSITORY_VARIABLES: Final = {
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
}  # fmt: skip
"""Variables that git sets for its hooks. If pytest runs in a hook, they would make each command use
the hook's repository instead of the one in its folder."""


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree.

    Attributes:
        root: Root folder of the working tree, with symbolic links resolved.
    """

    root: Path

    @classmethod
    def containing(cls, path: Path) -> Repository | None:
        """Return the innermost repository that contains *path*, None without one or without git."""
        folder = path if path.is_dir() else path.parent
        root = _git(folder, "rev-parse", "--show-toplevel")
        return cls(Path(root).resolve()) if root else None

    @property
    def is_submodule(self) -> bool:
        """Return whether this repository is checked out as a submodule of another one."""
        return bool(_git(self.root, "rev-parse", "--show-superproject-working-tree"))

    @staticmethod
    def git_error(path: Path) -> str:
        """Return git's error message for a *path* for which ``containing`` returns None.

        The message may say that git does not trust the owner of the folder.
        """
        try:
            return run_git(path.parent, "rev-parse", "--show-toplevel").stderr.strip()
        except OSError as error:
            return f"git does not run: {error}"

    def resolve_commit(self, reference: str) -> str:
        """Return the full name of the commit that *reference* names.

        Args:
            reference: Any revision in the syntax of gitrevisions(7): a branch, a tag, a hash.

        Raises:
            ConfigurationError: If *reference* names no commit of this repository.
        """
        revision = f"{reference}^{{commit}}"
        output = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        if not output:
            raise ConfigurationError(
                f"{reference!r} names no commit of {self.root}. A shallow clone may lack it: "
                "git fetch origin REF, or fetch-depth: 0 for actions/checkout."
            )
        return output.splitlines()[-1]

    def has_file(self, commit: str, path: Path) -> bool:
        """Return whether *commit* exists and contains the file at the absolute *path*."""
        inside = path.relative_to(self.root).as_posix()
        return _git(self.root, "cat-file", "-e", f"{commit}:{inside}") is not None

    def read_file(self, commit: str, path: Path) -> str | None:
        """Return the text of the file that *commit* contains at the absolute *path*, else None."""
        inside = path.relative_to(self.root).as_posix()
        return _git(self.root, "cat-file", "blob", f"{commit}:{inside}")

    def files_with(self, commit: str, text: str) -> list[Path]:
        """Return the absolute paths of the Python files of *commit* that contain *text*."""
        options = ("--files-with-matches", "--null", "--full-name", "--fixed-strings")
        listing = _git(self.root, "grep", *options, "-e", text, commit, "--", "*.py") or ""
        names = [entry.removeprefix(f"{commit}:") for entry in listing.split("\0") if entry]
        return [self.root / name for name in names]

    def matches_working_tree(self, commit: str) -> bool:
        """Return whether the tracked files of the working tree equal those of *commit*."""
        return _git(self.root, "diff", "--quiet", commit, "--") is not None

    def submodules(self, commit: str) -> list[tuple[str, str]]:
        """Return the submodules of *commit* that are checked out in the working tree.

        Returns:
            Pairs of a submodule's path, relative to the root, and the commit recorded for it.
        """
        listing = _git(self.root, "ls-tree", "-r", "-z", commit) or ""
        submodules = []
        for entry in filter(None, listing.split("\0")):
            description, _, path = entry.partition("\t")
            mode, _, object_name = description.split()
            if mode == _SUBMODULE_MODE and (self.root / path / ".git").exists():
                submodules.append((path, object_name))
        return submodules


def _git(folder: Path, *arguments: str) -> str | None:
    """Return the stripped output of a git command, None if it fails or git is not installed."""
    try:
        process = run_git(folder, *arguments)
    except OSError:
        return None
    return process.stdout.strip() if process.returncode == 0 else None


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in *folder* without prompts; if interrupted, kill it and all processes it started.

    Raises:
        OSError: If git is not installed.
    """
    command = ("git", "-C", str(folder), *arguments)
    with subprocess.Popen(  # noqa: S603 - no shell, and references come after --end-of-options
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",  # names of files may be any bytes
        env=git_environment(),
        start_new_session=True,  # so that git and its children can be killed together
    ) as process:
        try:
            output, error_output = process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, error_output)


def git_environment() -> dict[str, str]:
    """Return our environment variables for git, without those that bind it to one repository."""
    variables = {
        name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES
    }
    # Without optional locks, an interrupted command that only reads leaves no lock file behind.
    return {**variables, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
