"""Redirect imports of a project's modules to another commit's tree.

The worker uses this module, so it imports nothing but traingate and the standard library.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from traingate.errors import ConfigurationError
from traingate.worktree.generated_files import holds_only_values, is_compiled


class RelocatingFinder(MetaPathFinder):
    """Finder that asks the other finders for a module and relocates their result.

    Args:
        origin: Absolute path of the working tree.
        tree: Absolute path of the other commit's tree.
        relocate: Function from a path in the working tree to the path in *tree*.
        is_generated: Function that tells whether a module of the working tree was built there.

    Attributes:
        refusal: Message of the last import that was refused because a build is missing; empty if
            none was. The project may have caught the exception.
    """

    refusal = ""

    def __init__(
        self,
        origin: str,
        tree: str,
        relocate: Callable[[str], str],
        is_generated: Callable[[str], bool],
    ) -> None:
        self._origin, self._tree = origin, tree
        self._relocate_path = relocate
        self._is_generated = is_generated

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the other finders give, relocated to the other tree."""
        for finder in sys.meta_path:
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find and find(name, path, target)
            if spec is not None:
                return self._built_in_tree(spec, path) or self._relocate(spec)
        return self._generated_in_origin(name, path)

    def _generated_in_origin(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Return the spec of a module of values alone that only the working tree has, else None.

        Raises:
            ConfigurationError: If the working tree alone has the module, with code that was built.
        """
        folders = [
            str(self._origin / Path(folder).relative_to(self._tree))
            for folder in path or sys.path
            if self._is_in_tree(folder)
        ]
        spec = PathFinder.find_spec(name, folders)
        if spec is None or not spec.has_location or not self._is_generated(str(spec.origin)):
            return None
        return self._relocate(spec)

    def _built_in_tree(self, spec: ModuleSpec, path: Sequence[str] | None) -> ModuleSpec | None:
        """Return the spec of a module that the tree has, and the other finders found elsewhere.

        The import hooks of editable installations keep the places of compiled and generated
        modules, and look there before the folders of the package.
        """
        if not spec.has_location or spec.origin is None:
            return None
        is_candidate = is_compiled(spec.origin) if path is None else True
        if not is_candidate or self._is_in_tree(spec.origin):
            return None
        folders = [folder for folder in path or sys.path if self._is_in_tree(folder)]
        tree_spec = PathFinder.find_spec(spec.name, folders)
        return tree_spec if tree_spec is not None and tree_spec.has_location else None

    def _is_in_tree(self, path: str) -> bool:
        return Path(path).is_relative_to(self._tree)

    def _relocate(self, spec: ModuleSpec) -> ModuleSpec:
        """Return the spec of the same module in the other tree."""
        folders = spec.submodule_search_locations
        if spec.origin is None or not spec.has_location:
            # A namespace package has folders, a built-in module has none.
            spec.submodule_search_locations = self._relocate_folders(folders)
            return spec
        file = self._relocate_link(spec.origin)
        if file == spec.origin:
            return spec
        if not Path(file).is_file():
            if not self._is_generated(spec.origin):
                raise ModuleNotFoundError(
                    f"{file} is not in that commit", name=spec.name, path=file
                )
            if holds_only_values(spec.origin):
                return spec
            # No ImportError: the project might go on without the module, and be slower for it.
            self.refusal = missing_build(spec.name, spec.origin, file)
            raise ConfigurationError(self.refusal)
        new_spec = importlib.util.spec_from_file_location(
            spec.name, file, submodule_search_locations=self._relocate_folders(folders)
        )
        assert new_spec is not None
        return new_spec

    def _relocate_link(self, path: str) -> str:
        """Return *path* in the other tree; a link to a file of the project is followed first."""
        relocated = self._relocate_path(path)
        if relocated != path and Path(relocated).exists():
            return relocated
        target = os.path.realpath(path)
        relocated_target = self._relocate_path(target)
        return relocated if relocated_target == target else relocated_target

    def _relocate_folders(self, folders: Iterable[str] | None) -> list[str] | None:
        """Return a package's folders in the other tree, None for a module that is no package."""
        if folders is None:
            return None
        return [self._relocate_link(folder) for folder in folders]


def missing_build(name: str, origin: str, file: str) -> str:
    """Return the message that a base lacks a module because git does not have it.

    Args:
        name: Name of the module.
        origin: File of the module in the working tree.
        file: File that the module would be in the other tree.
    """
    return (
        f"the base needs {name}, which a build put into {origin}. A commit does not have it, so "
        f"{file} is missing. Build it in the base's tree, by --traingate-base-setup COMMAND."
    )
