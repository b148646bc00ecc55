"""Read the modules of one version of a project, and find those that they import."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from traingate.worktree.imported_names import DefinitionSite
from traingate.worktree.statements import (
    Values,
    all_statements,
    assigned_values,
    collection_settings,
    parsed_module,
)

SOURCE_FOLDER: Final = "src"
"""Folder of many projects from which their modules are imported."""


@dataclass(frozen=True)
class SourceModules:
    """Modules of one version of a project.

    Attributes:
        root: Folder above which no file is read.
        has_file: Function that tells whether this version has a file.
        read: Function that returns the content of such a file.
    """

    root: Path
    has_file: Callable[[Path], bool]
    read: Callable[[Path], bytes | None]
    _modules: dict[Path, ast.Module | None] = field(default_factory=dict, init=False)
    _values: dict[Path, Values] = field(default_factory=dict, init=False)
    _collection_settings: dict[Path, Mapping[str, bool]] = field(default_factory=dict, init=False)

    def body(self, file: Path) -> list[ast.stmt]:
        """Return the statements at the top level of a file; none if it is missing or no Python."""
        if file not in self._modules:
            self._modules[file] = None
            with contextlib.suppress(OSError, ValueError):
                if self.has_file(file):
                    self._modules[file] = parsed_module(self.read(file) or b"")
        module = self._modules[file]
        return module.body if module else []

    def values(self, file: Path) -> Values:
        """Return the values that the statements of a file assign to names."""
        if file not in self._values:
            self._values[file] = assigned_values(all_statements(self.body(file)))
        return self._values[file]

    def collection_settings(self, file: Path) -> Mapping[str, bool]:
        """Return whether pytest looks for tests in objects that a file sets, by their names."""
        if file not in self._collection_settings:
            self._collection_settings[file] = collection_settings(self.body(file))
        return self._collection_settings[file]

    def imported_sites(self, file: Path) -> Iterator[tuple[str, DefinitionSite]]:
        """Yield the local names that a file imports from the project, with their sites.

        Of an import of all names, both are ``*``.
        """
        for node in self.body(file):
            if isinstance(node, ast.ImportFrom):
                yield from self.sites_of(node, file)

    def sites_of(
        self, statement: ast.ImportFrom, file: Path
    ) -> Iterator[tuple[str, DefinitionSite]]:
        """Yield the local names that one statement of a file imports, with their sites."""
        source = self.module_file(statement.module, statement.level, file)
        if source is not None:
            yield from ((each.asname or each.name, (source, each.name)) for each in statement.names)

    def imported_module(self, name: str, file: Path) -> Path | None:
        """Return the file of the module that *file* imports by a name, which may have dots."""
        for node in self.body(file):
            if isinstance(node, ast.Import):
                for each in node.names:
                    is_package = each.asname is None and each.name.startswith(f"{name}.")
                    if is_package or name == (each.asname or each.name):
                        return self.module_file(name if is_package else each.name, 0, file)
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    if name == (each.asname or each.name):
                        return self.submodule_file(node, each.name, file)
        package, _, last_name = name.rpartition(".")
        source = self.imported_module(package, file) if package else None
        is_package = source is not None and source.stem == "__init__"
        return self.file_at(source.parent / last_name) if source and is_package else None

    def submodule_file(self, node: ast.ImportFrom, name: str, file: Path) -> Path | None:
        """Return the file of the module of a package that a statement imports by this name."""
        module = f"{node.module}.{name}" if node.module else name
        return self.module_file(module, node.level, file)

    def module_file(self, module: str | None, level: int, file: Path) -> Path | None:
        """Return the file of a module that *file* imports; None if it is none of the project."""
        parts = module.split(".") if module else []
        folders = file.parents[level - 1 : level] if level else (
            *file.parents, self.root / SOURCE_FOLDER
        )  # fmt: skip
        for folder in folders:
            path = folder.joinpath(*parts)
            source = self.file_at(path, may_be_module=bool(parts))
            if source is not None:
                return source
        return None

    def file_at(self, path: Path, *, may_be_module: bool = True) -> Path | None:
        """Return the file of the package at a path, or of the module; None without one."""
        candidates = [path / "__init__.py"]  # Python prefers a package to a module of its name
        if may_be_module and path.name:
            candidates.append(path.with_name(f"{path.name}.py"))
        for candidate in candidates:
            if candidate.is_relative_to(self.root) and self.has_file(candidate):
                return candidate
        return None
