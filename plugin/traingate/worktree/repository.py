"""Read commits of the user's repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.untrusted.masking import masked_text
from traingate.worktree import references
from traingate.worktree.git_command import git_output, run_git
from traingate.worktree.references import Commit

_SUBMODULE_MODE: Final = "160000"
"""Mode of a submodule's entry in the output of git-ls-tree(1)."""

_NO_MATCH: Final = 1
"""Exit status of git-grep(1) if no file matches."""

_WHOLE_DIFF: Final = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=untracked")
"""Options of git-diff(1) by which no setting and no attribute hides a difference."""


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
        root = git_output(folder, "rev-parse", "--show-toplevel")
        return cls(Path(root).resolve()) if root else None

    @property
    def is_submodule(self) -> bool:
        """Return whether this repository is checked out as a submodule of another one."""
        return bool(git_output(self.root, "rev-parse", "--show-superproject-working-tree"))

    @staticmethod
    def git_error(path: Path) -> str:
        """Return git's error message for a *path* for which ``containing`` returns None.

        The message may say that git does not trust the owner of the folder.
        """
        try:
            return run_git(path.parent, "rev-parse", "--show-toplevel").stderr.strip()
        except OSError as error:
            return f"git does not run: {error}"

    def resolve_commit(self, reference: str) -> Commit:
        """Return the commit that *reference* names, see ``references``.

        Args:
            reference: Any revision in the syntax of gitrevisions(7): a branch, a tag, a hash.

        Raises:
            ConfigurationError: If *reference* names no commit of this repository.
        """
        return references.resolve(self.root, reference)

    def has_file(self, commit: str, path: Path) -> bool:
        """Return whether *commit* exists and contains the file at the absolute *path*."""
        inside = path.relative_to(self.root).as_posix()
        return git_output(self.root, "cat-file", "-e", f"{commit}:{inside}") is not None

    def read_file(self, commit: str, path: Path) -> bytes | None:
        """Return the content of the file that *commit* has at the absolute *path*, else None."""
        inside = path.relative_to(self.root).as_posix()
        text = git_output(self.root, "cat-file", "blob", f"{commit}:{inside}")
        return None if text is None else text.encode(errors="surrogateescape")

    def python_files(self, commit: str) -> frozenset[Path]:
        """Return the absolute paths of the Python files of *commit*.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        entries = self._list("ls-tree", "-r", "-z", "--name-only", commit)
        return frozenset(self.root / name for name in entries if name.endswith(".py"))

    def files_with(self, commit: str, text: str) -> list[Path]:
        """Return the absolute paths of the Python files of *commit* that contain *text*.

        Raises:
            ConfigurationError: If git cannot search them.
        """
        options = ("--files-with-matches", "--null", "--full-name", "--fixed-strings")
        command = ("grep", *options, "-e", text, commit, "--", "*.py")
        entries = self._list(*command, without_match=_NO_MATCH)
        return [self.root / entry.removeprefix(f"{commit}:") for entry in entries]

    def _list(self, *command: str, without_match: int = 0) -> list[str]:
        """Return the entries that a command of git prints, each before a NUL.

        Args:
            command: Arguments of git.
            without_match: Exit status of the command if there is no entry.

        Raises:
            ConfigurationError: If git fails: no entry would look as if nothing were to be compared.
        """
        process = run_git(self.root, *command)
        if process.returncode not in {0, without_match}:
            raise ConfigurationError(
                f"git {command[0]} failed in {self.root}: {masked_text(process.stderr.strip())}"
            )
        return [entry for entry in process.stdout.split("\0") if entry]

    def matches_working_tree(self, commit: str) -> bool:
        """Return whether the tracked files of the working tree equal those of *commit*."""
        return git_output(self.root, "diff", "--quiet", *_WHOLE_DIFF, commit, "--") is not None

    def ignored_paths(self) -> tuple[str, ...]:
        """Return the paths that git ignores in the working tree, submodules included.

        Returns:
            Paths relative to the root. A folder ends with a slash and stands for all its content.
        """
        command = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
        paths = [path for path in (git_output(self.root, *command) or "").split("\0") if path]
        for submodule, _ in self.submodules("HEAD"):
            inner_paths = Repository(self.root / submodule).ignored_paths()
            paths += [f"{submodule}/{path}" for path in inner_paths]
        return tuple(paths)

    def submodules(self, commit: str) -> list[tuple[str, str]]:
        """Return the submodules of *commit* that are checked out in the working tree.

        Returns:
            Pairs of a submodule's path, relative to the root, and the commit recorded for it.
        """
        listing = git_output(self.root, "ls-tree", "-r", "-z", commit) or ""
        submodules = []
        for entry in filter(None, listing.split("\0")):
            description, _, path = entry.partition("\t")
            mode, _, object_name = description.split()
            if mode == _SUBMODULE_MODE and (self.root / path / ".git").exists():
                submodules.append((path, object_name))
        return submodules
