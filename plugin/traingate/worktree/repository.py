"""Read commits of the user's repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.untrusted.masking import masked_text
from traingate.untrusted.paths import path_exists
from traingate.worktree import references
from traingate.worktree.git_command import checked_git, git_output, run_git
from traingate.worktree.references import Commit

_SUBMODULE_MODE: Final = "160000"
"""Mode of a submodule's entry in the output of git-ls-tree(1)."""

_LINK_MODE: Final = "120000"
"""Mode of a symbolic link there."""

_LEFT_OUT: Final = "S "
"""Mark of files that a sparse checkout leaves out, in the output of git-ls-files(1) with ``-t``."""

_SOURCES_AND_SETTINGS: Final = ("*.py", "*.toml", "*.ini", "*.cfg")

_NO_MATCH: Final = 1
"""Exit status of git-grep(1) if no file matches."""

_MAX_PATTERNS: Final = 1000
"""Largest number of texts of one search: the arguments of a program have a limit."""

_DIFFERENCE: Final = 1
"""Exit status of git-diff(1) with ``--quiet`` if there is a difference."""

_WHOLE_DIFF: Final = ("--no-ext-diff", "--ignore-submodules=untracked")
"""Options of git-diff(1) by which no setting hides a difference: since git 2.46, the program of
``diff.external`` can say that there is none (``diff.trustExitCode``)."""


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

    @classmethod
    def required_if_any(cls, path: Path) -> Repository | None:
        """Return the innermost repository that contains *path*, None without one.

        Raises:
            ConfigurationError: If a folder of *path* has an entry ``.git``, and git finds no
                repository, as if it is not installed any more, or does not trust the owner.
        """
        repository = cls.containing(path)
        if repository is None and any((each / ".git").exists() for each in (path, *path.parents)):
            raise ConfigurationError(
                f"git cannot read the repository of {path}: {masked_text(cls.git_error(path))}"
            )
        return repository

    @property
    def is_submodule(self) -> bool:
        """Return whether this repository is checked out as a submodule of another one.

        Raises:
            ConfigurationError: If git fails.
        """
        command = ("rev-parse", "--show-superproject-working-tree")
        return bool(checked_git(self.root, *command).stdout.strip())

    @staticmethod
    def git_error(path: Path) -> str:
        """Return git's error message for a *path* for which ``containing`` returns None.

        The message may say that git does not trust the owner of the folder.
        """
        try:
            folder = path if path.is_dir() else path.parent
            return run_git(folder, "rev-parse", "--show-toplevel").stderr.strip()
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

    def read_source(self, commit: str, path: Path) -> bytes | None:
        """Return the source that *commit* has at the absolute *path*, None if no file is there.

        Its lines end with a line feed alone.

        Raises:
            ConfigurationError: If git cannot read it.
        """
        inside = path.relative_to(self.root).as_posix()
        command = ("cat-file", "blob", f"{commit}:{inside}")
        process = run_git(self.root, *command)
        if process.returncode:
            entries = self._list("ls-tree", "-z", commit, "--", f":(literal){inside}")
            if not any(entry.split()[1] == "blob" for entry in entries):
                return None
            process = checked_git(self.root, *command)  # it fails again, and says why
        return process.stdout.encode(errors="surrogateescape")

    def python_files(self, commit: str) -> frozenset[Path]:
        """Return the absolute paths of the Python files of *commit*, without symbolic links.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        pairs = (entry.split("\t", 1) for entry in self._list("ls-tree", "-r", "-z", commit))
        return frozenset(
            self.root / name
            for description, name in pairs
            if name.endswith(".py") and not description.startswith(_LINK_MODE)
        )

    def present_files(self) -> frozenset[Path]:
        """Return the paths of the Python files that git tracks or would add, also deleted ones.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        options = ("--cached", "--others", "--exclude-standard")
        names = self._list("ls-files", "-z", *options, "--", "*.py")
        return frozenset(self.root / name for name in names)

    def left_out_files(self) -> frozenset[Path]:
        """Return the absolute paths of the files that a sparse checkout leaves out.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        entries = self._list("ls-files", "-z", "-t")
        marked = (entry.removeprefix(_LEFT_OUT) for entry in entries if entry.startswith(_LEFT_OUT))
        return frozenset(self.root / name for name in marked)

    def changed_files(self, commit: str) -> frozenset[Path]:
        """Return the absolute paths of the files in which the working tree differs from *commit*.

        Files that git ignores are not among them, nor those that a sparse checkout leaves out; of
        those that git does not track, only sources and files of settings are.

        Raises:
            ConfigurationError: If git cannot compare them.
        """
        changed = self._list("diff", "--name-only", "--no-renames", "-z", *_WHOLE_DIFF, commit)
        options = ("--others", "--exclude-standard")
        added = self._list("ls-files", "-z", *options, "--", *_SOURCES_AND_SETTINGS)
        return frozenset(self.root / name for name in (*changed, *added))

    def files_with(self, commit: str, *texts: str) -> list[Path]:
        """Return the absolute paths of the Python files of *commit* that contain one of *texts*.

        Raises:
            ConfigurationError: If git cannot search them.
        """
        options = ("--files-with-matches", "--null", "--fixed-strings")
        entries: dict[str, None] = {}
        for start in range(0, len(texts), _MAX_PATTERNS):
            batch = texts[start : start + _MAX_PATTERNS]
            patterns = [argument for text in batch for argument in ("-e", text)]
            command = ("grep", *options, *patterns, commit, "--", "*.py")
            entries |= dict.fromkeys(self._list(*command, empty_status=_NO_MATCH))
        return [self.root / entry.removeprefix(f"{commit}:") for entry in entries]

    def _list(self, *command: str, empty_status: int = 0) -> list[str]:
        """Return the entries that a command of git prints, each before a NUL.

        Args:
            command: Arguments of git.
            empty_status: Exit status of the command if there is no entry.

        Raises:
            ConfigurationError: If git fails.
        """
        output = checked_git(self.root, *command, empty_status=empty_status).stdout
        return [entry for entry in output.split("\0") if entry]

    @property
    def is_shallow(self) -> bool:
        """Return whether the repository lacks the commits before some of its own.

        Raises:
            ConfigurationError: If git cannot tell.
        """
        answer = checked_git(self.root, "rev-parse", "--is-shallow-repository").stdout
        return answer.strip() == "true"

    def matches_working_tree(self, commit: str) -> bool:
        """Return whether the tracked files of the working tree equal those of *commit*.

        Raises:
            ConfigurationError: If git cannot compare them.
        """
        command = ("diff", "--quiet", *_WHOLE_DIFF, commit, "--")
        return checked_git(self.root, *command, empty_status=_DIFFERENCE).returncode != _DIFFERENCE

    def ignored_paths(self) -> tuple[str, ...]:
        """Return the paths that git ignores in the working tree, submodules included.

        Returns:
            Paths relative to the root. A folder ends with a slash and stands for all its content.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        options = ("--others", "--ignored", "--exclude-standard", "--directory")
        paths = self._list("ls-files", "-z", *options)
        # The index is there before the first commit too.
        entries = self._submodules_in(self._list("ls-files", "-z", "--stage"))
        for submodule in sorted({path for path, _ in entries}):
            inner_paths = Repository(self.root / submodule).ignored_paths()
            paths += [f"{submodule}/{path}" for path in inner_paths]
        return tuple(paths)

    def submodules(self, commit: str) -> list[tuple[str, str]]:
        """Return the submodules of *commit* that are checked out in the working tree.

        Returns:
            Pairs of a submodule's path, relative to the root, and the commit recorded for it.

        Raises:
            ConfigurationError: If git cannot list them.
        """
        entries = self._submodules_in(self._list("ls-tree", "-r", "-z", commit))
        return [(path, fields[-1]) for path, fields in entries]

    def _submodules_in(self, entries: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """Yield the paths of submodules that are checked out, with the fields after their modes.

        Args:
            entries: Output of git-ls-tree(1), or of git-ls-files(1) with ``--stage``.
        """
        for entry in entries:
            description, _, path = entry.partition("\t")
            mode, *fields = description.split()
            if mode == _SUBMODULE_MODE and path_exists(self.root / path / ".git"):
                yield path, fields
