"""Read the modules of one version of a project, and follow what they import from each other."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from traingate.worktree.imported_names import (
    DefinitionSite,
    ImportedNames,
    imported_names,
    listed_names,
)
from traingate.worktree.statements import (
    Values,
    all_statements,
    assigned_values,
    collection_settings,
    parsed_module,
)

_MAX_IMPORTS: Final = 10
"""Largest number of imports that are followed from one name to its definition."""

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
    _names: dict[tuple[Path, bool], ImportedNames] = field(default_factory=dict, init=False)
    _values: dict[Path, Values] = field(default_factory=dict, init=False)
    _listed_names: dict[Path, frozenset[str] | None] = field(default_factory=dict, init=False)
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

    def imports(self, file: Path) -> Mapping[str, DefinitionSite]:
        """Return where names are that a file imports from the project, by their local names.

        A definition in the file that follows the import of its name replaces it.
        """
        return self._imported_names(file, with_conditions=False).sites

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

    def definition(self, site: DefinitionSite) -> DefinitionSite:
        """Return where a name is defined that the module of a site may import from another.

        Imports under a condition are not followed, since another machine may not have them.
        """
        return self.import_chain(site, with_conditions=False)[-1]

    def import_chain(
        self, site: DefinitionSite, *, with_conditions: bool = True
    ) -> list[DefinitionSite]:
        """Return the sites from a first one to the definition, each of which imports the next."""
        chain = [site]
        for _ in range(_MAX_IMPORTS):
            file, name = chain[-1]
            next_site = self.site_of_star(
                file, name, {file for file, _ in chain}, with_conditions=with_conditions
            ) or self._imported_names(file, with_conditions=with_conditions).sites.get(name)
            if next_site is None or next_site in chain:
                break
            chain.append(next_site)
        return chain

    def has_name(
        self,
        file: Path,
        name: str,
        visited: set[Path] | None = None,
        *,
        with_conditions: bool = True,
    ) -> bool:
        """Return whether a file defines or assigns a name, or imports it from the project.

        The arguments are those of ``site_of_star``; this file is added to those visited.
        """
        visited = set() if visited is None else visited
        visited.add(file)
        names = self._imported_names(file, with_conditions=with_conditions)
        return (
            name in names.own
            or name in names.sites
            or self.site_of_star(file, name, visited, with_conditions=with_conditions) is not None
        )

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

    def site_of_star(
        self, file: Path, name: str, visited: set[Path], *, with_conditions: bool = True
    ) -> DefinitionSite | None:
        """Return where a name is that a file has from an import of all names; None without one.

        Args:
            file: The file.
            name: The name.
            visited: Files that have been looked into, to which others are added.
            with_conditions: Whether to read the statements under a condition too.
        """
        names = self._imported_names(file, with_conditions=with_conditions)
        for number, source in reversed(names.stars):
            if number < names.last_numbers.get(name, -1):
                break
            if (
                source not in visited
                and self._passes_on(source, name)
                and self.has_name(source, name, visited, with_conditions=with_conditions)
            ):
                return source, name
        return None

    def _passes_on(self, file: Path, name: str) -> bool:
        """Return whether an import of all names of a file takes a name that the file has."""
        if file not in self._listed_names:
            self._listed_names[file] = listed_names(self.values(file))
        listed = self._listed_names[file]
        return not name.startswith("_") if listed is None else name in listed

    def _imported_names(self, file: Path, *, with_conditions: bool) -> ImportedNames:
        """Return the names that a file imports and binds, see ``imported_names``."""
        key = (file, with_conditions)
        if key not in self._names:
            self._names[key] = imported_names(
                self.body(file),
                lambda statement: self.sites_of(statement, file),
                with_conditions=with_conditions,
            )
        return self._names[key]
