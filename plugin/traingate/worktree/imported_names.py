"""Read which names the statements of a module bind, and from where they import them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from traingate.worktree.statements import (
    Definition,
    Values,
    all_statements,
    assigned_values,
    bound_names,
)

DefinitionSite: TypeAlias = tuple[Path, str]
"""File of the project, and a name in it."""


@dataclass
class ImportedNames:
    """Names that a module binds.

    Attributes:
        sites: Places of the names that it imports from the project, by their local names.
        stars: Files of the project of which it imports all names, each with the number of the
            statement.
        own: Names that it defines or assigns.
        last_numbers: Number of the last statement that binds a name.
    """

    sites: dict[str, DefinitionSite] = field(default_factory=dict)
    stars: list[tuple[int, Path]] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    last_numbers: dict[str, int] = field(default_factory=dict)


def imported_names(
    body: Sequence[ast.stmt],
    sites_of: Callable[[ast.ImportFrom], Iterable[tuple[str, DefinitionSite]]],
    *,
    with_conditions: bool,
) -> ImportedNames:
    """Return the names that a module imports, and those that it binds.

    Args:
        body: Statements of the module.
        sites_of: Function that returns the local names that a statement imports from the project,
            with their sites.
        with_conditions: Whether to read the statements under a condition too. A definition there
            does not replace what the module imports.
    """
    names = ImportedNames()
    top_level = {*body}
    for number, node in enumerate(all_statements(body) if with_conditions else body):
        names.last_numbers |= dict.fromkeys(bound_names(node), number)
        if isinstance(node, ast.ImportFrom):
            sites = dict(sites_of(node))
            names.stars += [(number, sites.pop("*")[0])] if "*" in sites else []
            names.sites |= sites
        elif isinstance(node, Definition):
            names.own.add(node.name)
            if node in top_level:
                names.sites.pop(node.name, None)
        else:
            assigned = assigned_values([node])
            names.own |= {*assigned}
            if node in top_level:
                for name in assigned:
                    if not _reads(node, name):
                        names.sites.pop(name, None)
    return names


def _reads(node: ast.stmt, name: str) -> bool:
    """Return whether a statement reads a name, or changes its value as by ``+=``."""
    return isinstance(node, ast.AugAssign) or any(
        isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load)
        for each in ast.walk(node)
    )


def listed_names(values: Values) -> frozenset[str] | None:
    """Return the names that ``__all__`` lists in a module; None if it has no such list.

    Args:
        values: Values that the module assigns to names.
    """
    if "__all__" not in values:
        return None
    nodes = (node for value in values["__all__"] for node in ast.walk(value))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return frozenset(value for value in constants if isinstance(value, str))
