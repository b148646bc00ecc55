"""Use a project's files and modules from another tree than the working tree.

The parent sends a relocation to the worker, which applies it, so this module imports nothing but
traingate and the standard library.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from traingate.errors import ConfigurationError
from traingate.worktree.installed_copies import copied_files, is_copied_package

_PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of traingate, whose files belong to no project that is measured."""


@dataclass(frozen=True)
class Relocation:
    """A mapping of paths in one tree of a project to paths in another.

    Attributes:
        origin: Absolute path of the tree that contains the paths to map: the working tree.
        tree: Absolute path of the tree that they are mapped to.
    """

    origin: str
    tree: str

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
        sys.meta_path.insert(0, _RelocatingFinder(self))

    def check_imports(self) -> None:
        """Check that the project's modules were imported from the other tree.

        Raises:
            ConfigurationError: If a module was imported from ``origin``, or from an installed copy
                of a package of the project.
        """
        copies = copied_files(self.origin, Path(self.tree))
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name == "__main__" or not file:
                continue
            if self.relocate(file) != file:
                raise ConfigurationError(f"{name} was imported from {file}, not from {self.tree}")
            if file in copies or (
                "." not in name and is_copied_package(name, file, Path(self.tree))
            ):
                raise ConfigurationError(
                    f"{name} was imported from an installed copy, so that both sides of the duet "
                    "would run the same code. Install the project with pip install --editable."
                )


def is_project_file(path: Path, root: str | Path) -> bool:
    """Return whether *path* belongs to the project at *root*.

    Files of traingate, of an interpreter and of its installed packages do not, even if they lie
    below *root*.
    """
    if not path.is_relative_to(root) or path.is_relative_to(_PACKAGE):
        return False
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    libraries = [sysconfig.get_path(kind) for kind in kinds]
    return "site-packages" not in path.parts and not any(map(path.is_relative_to, libraries))


class _RelocatingFinder(MetaPathFinder):
    """A finder that asks the other finders for a module and relocates their result."""

    def __init__(self, relocation: Relocation) -> None:
        self._relocation = relocation

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the other finders give, relocated to the other tree."""
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                return self._relocate(spec)
        return None

    def _relocate(self, spec: ModuleSpec) -> ModuleSpec:
        """Return the spec of the same module in the other tree."""
        folders = spec.submodule_search_locations
        if spec.origin is None or not spec.has_location:
            # A namespace package has folders, a built-in module has none.
            spec.submodule_search_locations = self._relocate_folders(folders)
            return spec
        file = self._relocation.relocate(spec.origin)
        if file == spec.origin:
            return spec
        if not Path(file).is_file():
            raise ModuleNotFoundError(f"{file} is not in that commit", name=spec.name, path=file)
        new_spec = importlib.util.spec_from_file_location(
            spec.name, file, submodule_search_locations=self._relocate_folders(folders)
        )
        assert new_spec is not None
        return new_spec

    def _relocate_folders(self, folders: Iterable[str] | None) -> list[str] | None:
        """Return a package's folders in the other tree, None for a module that is no package."""
        if folders is None:
            return None
        return [self._relocation.relocate(folder) for folder in folders]
