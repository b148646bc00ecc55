"""Find the classes of a project from which a class inherits, and whether pytest takes its tests."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from traingate.worktree.import_graph import ImportGraph
from traingate.worktree.source_modules import SourceModules
from traingate.worktree.statements import (
    assigned_values,
    bound_names,
    is_false,
    last_name,
    source_of,
    statements_named,
)

SourceClass: TypeAlias = tuple[ast.ClassDef, Path]
"""Class of the project, and its file."""

Lineage: TypeAlias = Sequence[SourceClass]
"""A class and those from which it inherits, the class itself first."""

_MAKES_INIT: Final = {"dataclass", "define", "frozen", "mutable", "attrs", "s"}
"""Names of the decorators of dataclasses and attrs, which give a class a constructor."""

_UNITTEST_CLASSES: Final = ("TestCase", "IsolatedAsyncioTestCase")
"""Names of classes of unittest whose heirs pytest takes for tests, whatever they are called."""


def lineage(imports: ImportGraph, node: ast.ClassDef, file: Path) -> Lineage:
    """Return a class and its bases, as far as the project defines them at the top level.

    The order is the one in which Python looks for a name, but for bases that Python would refuse.
    """
    bases: dict[SourceClass, list[SourceClass]] = {}
    ended: list[SourceClass] = []

    def visit(heir: SourceClass) -> None:
        # The bases from the last to the first, each class after its own bases: read from its end,
        # the list has every class before its bases, and the bases in the order of the source.
        bases[heir] = [*dict.fromkeys(_bases(imports, *heir))]
        for base in reversed(bases[heir]):
            if base not in bases:
                visit(base)
        ended.append(heir)

    visit((node, file))
    return _python_order(ended, bases) or ended[::-1]


def _python_order(
    classes: Sequence[SourceClass], bases: Mapping[SourceClass, Sequence[SourceClass]]
) -> Lineage | None:
    """Return the order in which Python looks for a name of the last of some classes.

    The method is C3: https://docs.python.org/3/howto/mro.html.

    Args:
        classes: Classes, each after its bases.
        bases: Bases of each class.

    Returns:
        The order; None for bases that Python would refuse.
    """
    orders: dict[SourceClass, Sequence[SourceClass]] = {}
    for each in classes:
        if any(base not in orders for base in bases[each]):  # it is among its own bases
            return None
        merged = _merged([*(orders[base] for base in bases[each]), bases[each]])
        if merged is None:
            return None
        orders[each] = [each, *merged]
    return orders[classes[-1]]


def _merged(orders: Sequence[Sequence[SourceClass]]) -> Sequence[SourceClass] | None:
    """Return one order of classes that agrees with several; None if there is none."""
    merged: list[SourceClass] = []
    while orders := [order for order in orders if order]:
        if len(orders) == 1:
            return [*merged, *orders[0]]
        tails = {each for order in orders for each in order[1:]}
        first = next((order[0] for order in orders if order[0] not in tails), None)
        if first is None:
            return None
        merged.append(first)
        orders = [order[order[0] == first :] for order in orders]
    return merged


def _bases(imports: ImportGraph, node: ast.ClassDef, file: Path) -> Iterator[SourceClass]:
    """Yield the bases of a class that the project defines at the top level, and their files."""
    modules = imports.modules
    for written_base in node.bases:
        site, base = None, written_base
        while isinstance(base, ast.Subscript):  # a generic class
            base = base.value
        if isinstance(base, ast.Name):
            site = (file, base.id)
            if base.id == node.name:  # it replaces the class that the module has imported
                site = dict(modules.imported_sites(file)).get(base.id)
            site = site and imports.definition(site)
        elif isinstance(base, ast.Attribute):
            module = modules.imported_module(source_of(base.value), file)
            site = None if module is None else imports.definition((module, base.attr))
        if site is not None:
            source, name = site
            classes = [
                each
                for each in statements_named(modules.body(source), name)
                if isinstance(each, ast.ClassDef)
            ]
            yield from ((each, source) for each in classes[-1:])  # the last one replaces others


def may_have_tests(
    modules: SourceModules, classes: Lineage, has_name_of_tests: Callable[[], bool]
) -> bool:
    """Return whether pytest looks for tests in a class: not if it says so, or makes objects itself.

    Args:
        modules: Modules of the project.
        classes: The class and its bases.
        has_name_of_tests: Function that returns whether pytest takes the class by its name.
    """
    bodies = [node.body for node, _ in classes]
    if not next(_settings_of(modules, classes), True):
        return False
    if any(last_name(base) in _UNITTEST_CLASSES for node, _ in classes for base in node.bases):
        return True
    has_init = any(
        not bound_names(node).isdisjoint({"__init__", "__new__"})
        for body in bodies
        for node in body
    )
    has_made_init = any(
        last_name(getattr(each, "func", each)) in _MAKES_INIT
        for node, _ in classes
        for each in node.decorator_list
    )
    return not (has_init or has_made_init or _is_abstract(classes)) and has_name_of_tests()


def _is_abstract(classes: Lineage) -> bool:
    """Return whether Python makes no object of a class, since it leaves out an abstract method."""
    parents = [each for node, _ in classes for each in node.bases]
    parents += [keyword.value for node, _ in classes for keyword in node.keywords]
    if not any(last_name(each) in {"ABC", "ABCMeta"} for each in parents):
        return False
    own_names: set[str] = set()
    for node, _ in classes:
        for each in node.body:
            decorators = getattr(each, "decorator_list", ())
            names = bound_names(each) - own_names
            if names and any(last_name(decorator) == "abstractmethod" for decorator in decorators):
                return True
        own_names |= {name for each in node.body for name in bound_names(each)}
    return False


def _settings_of(modules: SourceModules, classes: Lineage) -> Iterator[bool]:
    """Yield the settings ``__test__`` of a class and its bases, that of the class itself first.

    One is set in the class, or after it: in its module, or in that of the class that inherits.
    """
    _, heir_file = classes[0]
    for node, file in classes:
        later_settings = {
            **modules.collection_settings(heir_file),
            **modules.collection_settings(file),
        }
        if node.name in later_settings:
            yield later_settings[node.name]
        elif values := assigned_values(node.body).get("__test__"):
            yield not is_false(values[-1])
