"""Tell whether a change may make pytest collect other tests in a file than before."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.untrusted.paths import is_file, is_folder
from traingate.worktree.repository import Repository

_HOOK: Final = "pytest_"
"""Start of the names of functions that pytest calls, and of the list of modules with such."""

_SUFFIXES_OF_SETTINGS: Final = frozenset({".toml", ".ini", ".cfg"})


@dataclass(frozen=True)
class CollectionChanges:
    """Changes of a working tree since a commit.

    Attributes:
        files: Absolute paths of the files that differ.
        is_general: Whether one of them may have settings of pytest, or functions that pytest calls.
    """

    files: frozenset[Path]
    is_general: bool

    @classmethod
    def since(cls, repository: Repository, commit: str) -> CollectionChanges:
        """Return the changes of the working tree since a commit.

        Raises:
            ConfigurationError: If git cannot compare them.
        """
        files = repository.changed_files(commit)
        with_hooks = repository.files_with(commit, _HOOK) if files else []
        is_general = (
            any(file.suffix in _SUFFIXES_OF_SETTINGS for file in files)
            or not files.isdisjoint(with_hooks)
            or any(map(is_folder, files))  # of submodules, which may have anything
            or any(_has_hooks(file) for file in files if file.suffix == ".py")
        )
        return cls(files, is_general)

    def may_concern(self, files: Iterable[Path]) -> bool:
        """Return whether they may change which tests pytest finds by the sources in some files."""
        return self.is_general or any(
            file in self.files
            or any(folder / "conftest.py" in self.files for folder in file.parents)
            for file in files
        )


def _has_hooks(file: Path) -> bool:
    """Return whether a file of the working tree names a function that pytest calls."""
    with contextlib.suppress(OSError):
        return is_file(file) and _HOOK.encode() in file.read_bytes()
    return False
