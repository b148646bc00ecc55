"""Read the modules of one version of a project, and follow what they import from each other."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from traingate.worktree.statements import (
    Definition,
    Values,
    all_statements,
    assigned_values,
    parsed_module,
)

DefinitionSite: TypeAlias = tuple[Path, str]
"""File of the project, and a name in it."""

_MAX_IMPORTS: Final = 10
"""Largest number of imports that are followed from one name to its definition."""

_SOURCE_FOLDER: Final = "src"
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
    _imports: dict[Path, Mapping[str, DefinitionSite]] = field(default_factory=dict, init=False)
    _origins: dict[Path, Mapping[str, str]] = field(default_factory=dict, init=False)
    _values: dict[Path, Values] = field(default_factory=dict, init=False)

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

    def imports(self, file: Path) -> Mapping[str, DefinitionSite]:
        """Return where names are that a file imports from the project, by their local names.

        A definition in the file that follows the import of its name replaces it.
        """
        if file not in self._imports:
            imports: dict[str, DefinitionSite] = {}
            for node in self.body(file):
                if isinstance(node, ast.ImportFrom):
                    imports.update(self.places_of(node, file))
                elif isinstance(node, Definition):
                    imports.pop(node.name, None)
            self._imports[file] = imports
        return self._imports[file]

    def imported_places(self, file: Path) -> Iterator[tuple[str, DefinitionSite]]:
        """Yield the local names that a file imports from the project, with their places.

        Of an import of all names, both are ``*``.
        """
        for node in self.body(file):
            if isinstance(node, ast.ImportFrom):
                yield from self.places_of(node, file)

    def places_of(
        self, statement: ast.ImportFrom, file: Path
    ) -> Iterator[tuple[str, DefinitionSite]]:
        """Yield the local names that one statement of a file imports, with their places."""
        source = self._module_file(statement.module, statement.level, file)
        if source is not None:
            yield from ((each.asname or each.name, (source, each.name)) for each in statement.names)

    def imported_module(self, name: str, file: Path) -> Path | None:
        """Return the file of the module that *file* imports by a name, which may have dots."""
        for node in self.body(file):
            if isinstance(node, ast.Import):
                for each in node.names:
                    if name == (each.asname or each.name):
                        return self._module_file(each.name, 0, file)
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    if name == (each.asname or each.name):
                        return self._submodule_file(node, each.name, file)
        return None

    def definition(self, site: DefinitionSite) -> DefinitionSite:
        """Return where a name is defined that the module of a site may import from another."""
        for _ in range(_MAX_IMPORTS):
            file, name = site
            if name not in self.imports(file):
                break
            site = self.imports(file)[name]
        return site

    def _submodule_file(self, node: ast.ImportFrom, name: str, file: Path) -> Path | None:
        """Return the file of the module of a package that a statement imports by this name."""
        module = f"{node.module}.{name}" if node.module else name
        return self._module_file(module, node.level, file)

    def _module_file(self, module: str | None, level: int, file: Path) -> Path | None:
        """Return the file of a module that *file* imports; None if it is none of the project."""
        parts = module.split(".") if module else []
        folders = file.parents[level - 1 : level] if level else (
            *file.parents, self.root / _SOURCE_FOLDER
        )  # fmt: skip
        for folder in folders:
            path = folder.joinpath(*parts)
            candidates = [path / "__init__.py"]  # Python prefers a package to a module of its name
            if parts:
                candidates.append(path.with_name(f"{path.name}.py"))
            for candidate in candidates:
                if candidate.is_relative_to(self.root) and self.has_file(candidate):
                    return candidate
        return None

    def origins(self, file: Path) -> Mapping[str, str]:
        """Return where a file has its names from that it imports or defines at its top level.

        A name of the project has the file and the name of its definition, whichever modules pass it
        on, or the file of a module. Another one has the last part of its name there, since there
        are several ways to import one object.
        """
        if file not in self._origins:
            body = self.body(file)
            definitions = {
                node.name: self._text((file, node.name))
                for node in body
                if isinstance(node, Definition)
            }
            self._origins[file] = {**self.origins_of(all_statements(body), file), **definitions}
        return self._origins[file]

    def origins_of(self, nodes: Iterable[ast.AST], file: Path) -> Mapping[str, str]:
        """Return the same for the names that statements of a file import."""
        origins = {}
        for node in nodes:
            if isinstance(node, ast.Import):
                for each in node.names:
                    source = self._module_file(each.name, 0, file)
                    name = each.name.rpartition(".")[2]
                    if each.asname or "." not in each.name:
                        text = name if source is None else self._text((source, ""))
                        origins[each.asname or each.name] = text
            elif isinstance(node, ast.ImportFrom):
                for each in node.names:
                    origins[each.asname or each.name] = self._origin(node, each.name, file)
        return origins

    def _origin(self, node: ast.ImportFrom, name: str, file: Path) -> str:
        """Return the origin of one name that a statement of a file imports."""
        submodule = self._submodule_file(node, name, file)
        source = self._module_file(node.module, node.level, file)
        if source is not None and self._defines(source, name):
            return self._text(self.definition((source, name)))
        return name if submodule is None else self._text((submodule, ""))

    def _defines(self, file: Path, name: str) -> bool:
        names = {getattr(node, "name", "") for node in self.body(file)}
        return name in names or name in self.imports(file) or name in self.values(file)

    def _text(self, place: DefinitionSite) -> str:
        """Return a place as a text: the file relative to the root, and the name if there is one."""
        file, name = place
        path = file.relative_to(self.root).as_posix()
        return f"{path}::{name}" if name else path


def is_of_project(origin: str) -> bool:
    """Return whether an origin is a file of the project, or a name in one."""
    return "::" in origin or origin.endswith(".py")
