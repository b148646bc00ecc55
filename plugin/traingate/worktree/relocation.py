"""Use a project's files and modules from another tree than the working tree.

The parent sends a relocation to the worker, which applies it, so this module imports nothing but
traingate and the standard library.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.imports.library_paths import is_library_path
from traingate.worktree.generated_files import holds_only_values, is_compiled, is_generated
from traingate.worktree.import_finder import RelocatingFinder
from traingate.worktree.installed_copies import copied_modules

_PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of traingate, whose files belong to no project that is measured."""

_LIBRARY_NAME: Final = re.compile(r"\.so(\.\d+)*( \(deleted\))?$")
"""End of the name of a shared library; the kernel adds a word if it was built again (proc(5))."""

_ENVIRONMENT_MARKS: Final = ("pyvenv.cfg", "conda-meta")
"""Files at the root of an environment, of venv and of conda."""


@dataclass(frozen=True)
class Relocation:
    """A mapping of paths in one tree of a project to paths in another.

    Attributes:
        origin: Absolute path of the tree that contains the paths to map: the working tree.
        tree: Absolute path of the tree that they are mapped to.
        ignored: Paths in ``origin`` that git ignores, as ``Repository.ignored_paths`` returns them.
    """

    origin: str
    tree: str
    ignored: Sequence[str] = ()

    def relocate(self, path: str) -> str:
        """Return *path* in the other tree; other paths than the project's are returned as is."""
        source = Path(path)
        if not is_project_file(source, self.origin) or source.is_relative_to(self.tree):
            return path
        return str(self.tree / source.relative_to(self.origin))

    def redirect_imports(self) -> None:
        """Make every import that would find a module in ``origin`` find it in ``tree``.

        Changing ``sys.path`` is not enough: the import hook of an editable install finds modules in
        ``origin`` without it, and both sides of a duet would run the same code.
        """
        finder = RelocatingFinder(self.origin, self.tree, self.relocate, self._is_generated)
        sys.meta_path.insert(0, finder)

    def check_imports(self) -> None:
        """Check that the project's modules were imported from the other tree.

        Raises:
            ConfigurationError: If a module was imported from ``origin``, or from an installed copy
                of a package of the project; or if the other tree lacks one that a build makes, and
                the project went on without it.
        """
        for finder in sys.meta_path:
            if isinstance(finder, RelocatingFinder) and finder.refusal:
                raise ConfigurationError(finder.refusal)
        files = imported_files()
        for name, file in sorted(files.items()):
            if self.relocate(file) != file and not self._is_shared(file):
                raise ConfigurationError(f"{name} was imported from {file}, not from {self.tree}")
        copies = copied_modules(self.origin, Path(self.tree), files)
        for name, file in sorted(copies.items()):
            remedy = "Install the project with pip install --editable."
            if is_compiled(file):
                remedy = (
                    "Build it in the base's tree, next to its package, by --traingate-base-setup "
                    "COMMAND."
                )
            raise ConfigurationError(
                f"{name} was imported from an installed copy, {file}, so that both sides of the "
                f"duet would run the same code. {remedy}"
            )

    def check_libraries(self, libraries: Iterable[Path]) -> None:
        """Check that no shared library of the project was loaded from ``origin``.

        Libraries of an environment that lies in the working tree are not the project's, nor are
        those that the user preloads: their names are in the record.

        Args:
            libraries: Paths of the shared libraries that this process has loaded.

        Raises:
            ConfigurationError: If one was.
        """
        preloads = re.split(r"[:\s]+", os.environ.get("LD_PRELOAD", ""))
        exempt_files = [Path(path).resolve() for path in preloads if path]
        for library in libraries:
            is_from_origin = self.relocate(str(library)) != str(library)
            if (
                not is_from_origin
                or not _LIBRARY_NAME.search(library.name)
                or library in exempt_files
            ):
                continue
            if not any(library.is_relative_to(folder) for folder in self._environments(library)):
                raise ConfigurationError(
                    f"the shared library {library} was loaded from the working tree, so that both "
                    "sides of the duet would run the same code. Build it in the base's tree by "
                    "--traingate-base-setup COMMAND, and load it by a path that is relative to the "
                    "file of the module that uses it. If it is no part of the project, keep it "
                    "elsewhere."
                )

    def _environments(self, file: Path) -> list[Path]:
        """Return the environments of Python below ``origin`` that could hold a file."""
        folders = [Path(sys.prefix), Path(sys.base_prefix)]
        folders += [
            folder
            for folder in file.parents
            if any((folder / mark).exists() for mark in _ENVIRONMENT_MARKS)
        ]
        origin = Path(self.origin)
        return [folder for folder in folders if origin in folder.parents]

    def _is_generated(self, file: str) -> bool:
        return is_generated(file, self.origin, self.ignored)

    def _is_shared(self, file: str) -> bool:
        """Return whether both sides use a file of the working tree, which holds only values."""
        return self._is_generated(file) and holds_only_values(file)


def imported_files() -> dict[str, str]:
    """Return the files of the modules that this process has imported, by the module's name."""
    files = ((name, getattr(module, "__file__", None)) for name, module in [*sys.modules.items()])
    return {name: file for name, file in files if name != "__main__" and isinstance(file, str)}


def is_project_file(path: Path, root: str | Path) -> bool:
    """Return whether *path* belongs to the project at *root*.

    Files of traingate, of an interpreter and of its installed packages do not, even if they lie
    below *root*.
    """
    inside = path.is_relative_to(root) and not path.is_relative_to(_PACKAGE)
    return inside and not is_library_path(path)
