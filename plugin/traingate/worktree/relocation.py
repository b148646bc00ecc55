"""A project seen in another tree: where its files are there, and that its modules come from there.

Told by the parent, done in the worker: standard library only.
"""

from __future__ import annotations

import importlib.util
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from traingate.errors import ConfigurationError
from traingate.worktree.installed_copies import copied_files, is_copied_package

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Relocation:
    """Two trees of one project.

    Attributes:
        origin: absolute path of the tree that paths are given in.
        tree: absolute path of the one that they are to be found in.
    """

    origin: str
    tree: str

    def relocate(self, path: str) -> str:
        """Where ``path`` is in the other tree; libraries, and what is outside, stay in place."""
        place = Path(path)
        if not is_project_file(place, self.origin) or place.is_relative_to(self.tree):
            return path
        return str(self.tree / place.relative_to(self.origin))

    def redirect_imports(self) -> None:
        """Let every import that would find a module in ``origin`` find it in ``tree``.

        An editable install leads there past ``sys.path``; both sides would run the same code.
        """
        sys.meta_path.insert(0, _Redirection(self))

    def check_imports(self) -> None:
        """See that what was imported is the other tree's.

        Raises:
            ConfigurationError: for a module from ``origin``, and for one from an installed copy
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


def is_project_file(place: Path, root: str | Path) -> bool:
    """Whether this is the project's at ``root``, and no interpreter's, nor traingate's own."""
    if not place.is_relative_to(root) or place.is_relative_to(_PACKAGE):
        return False
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    libraries = [sysconfig.get_path(kind) for kind in kinds]
    return "site-packages" not in place.parts and not any(map(place.is_relative_to, libraries))


class _Redirection(MetaPathFinder):
    """Asks the other finders, and moves what they find."""

    def __init__(self, relocation: Relocation) -> None:
        self._relocation = relocation

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the next finders give, in the other tree."""
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None:
                return self._moved(found)
        return None

    def _moved(self, spec: ModuleSpec) -> ModuleSpec:
        moved = self._relocation.relocate
        folders = spec.submodule_search_locations
        if spec.origin is None or not spec.has_location:
            if folders is not None:  # a namespace package
                spec.submodule_search_locations = _all(moved, folders)
            return spec
        there = moved(spec.origin)
        if there == spec.origin:
            return spec
        if not Path(there).is_file():
            raise ModuleNotFoundError(f"{there} is not in that commit", name=spec.name, path=there)
        submodules = None if folders is None else _all(moved, folders)
        found = importlib.util.spec_from_file_location(
            spec.name, there, submodule_search_locations=submodules
        )
        assert found is not None
        return found


def _all(moved: Callable[[str], str], folders: Iterable[str]) -> list[str]:
    return [moved(folder) for folder in folders]
