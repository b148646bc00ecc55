"""Follow names from module to module of one version of a project, as far as these import them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from traingate.worktree.imported_names import (
    DefinitionSite,
    ImportedNames,
    imported_names,
    listed_names,
)
from traingate.worktree.source_modules import SourceModules

_MAX_IMPORTS: Final = 10
"""Largest number of imports that are followed from one name to its definition."""


@dataclass(frozen=True)
class ImportGraph:
    """Names that the modules of one version of a project import from each other.

    Attributes:
        modules: Modules of this version.
        with_conditions: Whether imports under a condition are followed too, which are perhaps not
            executed on another machine.
    """

    modules: SourceModules
    with_conditions: bool
    _names: dict[Path, ImportedNames] = field(default_factory=dict, init=False)
    _listed_names: dict[Path, frozenset[str] | None] = field(default_factory=dict, init=False)

    def sites(self, file: Path) -> Mapping[str, DefinitionSite]:
        """Return where names are that a file imports from the project, by their local names.

        A definition in the file that follows the import of its name replaces it.
        """
        return self._names_of(file).sites

    def site_of_star(self, file: Path, name: str) -> DefinitionSite | None:
        """Return where a name is that a file has from an import of all names; None without one."""
        return self._site_of_star(file, name, set())

    def has_name(self, file: Path, name: str) -> bool:
        """Return whether a file defines or assigns a name, or imports it from the project."""
        return self._has_name(file, name, set())

    def chain(self, site: DefinitionSite) -> list[DefinitionSite]:
        """Return the sites from a first one to the definition, each of which imports the next."""
        chain = [site]
        for _ in range(_MAX_IMPORTS):
            file, name = chain[-1]
            next_site = self._site_of_star(file, name, {file for file, _ in chain})
            next_site = next_site or self.sites(file).get(name)
            if next_site is None or next_site in chain:
                break
            chain.append(next_site)
        return chain

    def definition(self, site: DefinitionSite) -> DefinitionSite:
        """Return where a name is defined that the module of a site may import from another."""
        return self.chain(site)[-1]

    def _site_of_star(self, file: Path, name: str, visited: set[Path]) -> DefinitionSite | None:
        """Return where a name is that a file has from an import of all names; None without one.

        Args:
            file: The file.
            name: The name.
            visited: Files that have been looked into, to which this one and others are added.
        """
        visited.add(file)
        names = self._names_of(file)
        for number, source in reversed(names.stars):
            if number < names.last_numbers.get(name, -1):
                break
            if (
                source not in visited
                and self._passes_on(source, name)
                and self._has_name(source, name, visited)
            ):
                return source, name
        return None

    def _has_name(self, file: Path, name: str, visited: set[Path]) -> bool:
        """Return whether a file binds a name; the arguments are those of ``_site_of_star``."""
        names = self._names_of(file)
        return (
            name in names.own
            or name in names.sites
            or self._site_of_star(file, name, visited) is not None
        )

    def _passes_on(self, file: Path, name: str) -> bool:
        """Return whether an import of all names of a file takes a name that the file has."""
        if file not in self._listed_names:
            self._listed_names[file] = listed_names(self.modules.values(file))
        listed = self._listed_names[file]
        return not name.startswith("_") if listed is None else name in listed

    def _names_of(self, file: Path) -> ImportedNames:
        """Return the names that a file imports and binds, see ``imported_names``."""
        if file not in self._names:
            self._names[file] = imported_names(
                self.modules.body(file),
                lambda statement: self.modules.sites_of(statement, file),
                with_conditions=self.with_conditions,
            )
        return self._names[file]
