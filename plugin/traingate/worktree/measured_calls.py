"""Read from the source of a test what it measures: its calls of the fixture, and their names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from traingate.worktree.origins import PARTS_OF_CONSTANTS, Origin
from traingate.worktree.statements import (
    Values,
    arguments_of,
    assigned_values,
    source_of,
    values_text,
)

_COMPARED: Final = (*PARTS_OF_CONSTANTS, ast.Name, ast.Call, ast.keyword)
"""Parts of the values that are compared. Others can be written in many ways, and mean the same."""

_PARAMETER: Final = "a parameter"
"""Text for the value of a parameter, which is no source of Python."""


@dataclass(frozen=True)
class MeasuredCalls:
    """Calls of the fixture in a test.

    Attributes:
        sources: Sources of the calls, in their order, with the fixture under its own name.
        origins: Origins of the names in them that the test or its module imports or defines, or
            to which it assigns another such name.
        values: Sources of the values that the test or its module assigns to the names in them; of
            names with simple values alone, and of parameters of the test.
    """

    sources: tuple[str, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def joined(self, other: MeasuredCalls) -> MeasuredCalls:
        """Return the calls of this test, and those of another definition of it."""
        return MeasuredCalls(
            self.sources + other.sources,
            {**self.origins, **other.origins},
            {**self.values, **other.values},
        )

    def changes(
        self, present: MeasuredCalls, has_moved: Callable[[Origin, Origin], bool]
    ) -> list[str]:
        """Return how another version of the test differs from this one in what it measures.

        Args:
            present: Calls of the other version.
            has_moved: Function that returns whether two origins are of one definition, which the
                other version has at another place.
        """
        base_text, present_text = ("; ".join(each.sources) for each in (self, present))
        texts = []
        if base_text != present_text:
            texts.append(
                f"measures {present_text or 'nothing'} instead of {base_text or 'nothing'}"
            )
        for name in sorted({*self.origins, *self.values}):
            meanings = self._other_meanings(name, present, has_moved)
            if meanings is not None:
                old, new = meanings
                texts.append(f"measures with {name} = {new} instead of {name} = {old}")
        return texts

    def _other_meanings(
        self, name: str, present: MeasuredCalls, has_moved: Callable[[Origin, Origin], bool]
    ) -> tuple[str, str] | None:
        """Return what a name means in both versions; None if that is the same, or not known."""
        old, new = self.origins.get(name), present.origins.get(name)
        old_value, new_value = self.values.get(name, ""), present.values.get(name, "")
        old_text = (old.constant or str(old)) if old else old_value
        new_text = (new.constant or str(new)) if new else new_value
        if old and new:
            if old.constant and new.constant:
                is_same = old.constant == new.constant
            else:
                is_same = old == new or _is_made_by_build(old, new) or has_moved(old, new)
                old_text, new_text = str(old), str(new)
            if is_same:  # then compare the values that are assigned where it cannot be imported
                old_text, new_text = old_value, new_value
        return (old_text, new_text) if old_text and new_text and old_text != new_text else None


def _is_made_by_build(first: Origin, second: Origin) -> bool:
    """Return whether two origins may be one name of a module that only one version has."""
    return bool(first.sites) != bool(second.sites) and bool(first.names & second.names)


def measured_calls(
    fixture: str,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    module_values: Values,
    origin_of: Callable[[str], Origin | None],
) -> MeasuredCalls:
    """Return the calls of a fixture in a test, also under another name that the test gives it.

    Args:
        fixture: Name of the fixture.
        function: The test.
        module_values: Values that its module assigns, as ``assigned_values`` returns them.
        origin_of: Function that returns the origin of a name that the module or the test imports,
            or the module defines; None for another one.
    """
    values = {**module_values, **assigned_values(ast.walk(function))}
    names = _aliases(fixture, values)
    calls = [
        ast.Call(ast.Name(fixture, ast.Load()), node.args, node.keywords)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and _called_name(node) in names
    ]
    used_origins: dict[str, Origin] = {}
    used_values: dict[str, str] = {}
    arguments, visited = arguments_of(function), {*names}
    added = {name for call in calls for name in _free_names(call)} - visited
    while added:
        name = added.pop()
        visited.add(name)
        if name in arguments:
            used_values[name] = _PARAMETER
            continue
        assigned = values.get(name, ())
        source = _assigned_name(name, values, lambda each: each in arguments or origin_of(each))
        origin = None if source in arguments else origin_of(source)
        used_origins |= {} if origin is None else {name: origin}
        is_alias = origin is not None and source != name
        nodes = [node for value in assigned for node in ast.walk(value)]
        if nodes and not is_alias and all(isinstance(node, _COMPARED) for node in nodes):
            used_values[name] = values_text(assigned)
            added |= {each for value in assigned for each in _free_names(value)} - visited
    return MeasuredCalls(tuple(map(source_of, calls)), used_origins, used_values)


def _assigned_name(name: str, values: Values, is_last: Callable[[str], object]) -> str:
    """Return the last name of those that are assigned to each other, from a first one on.

    Args:
        name: The first name.
        values: Values that are assigned to names.
        is_last: Function that returns something true for a name beyond which none is looked for.
    """
    visited = {name}
    while not is_last(name):
        match values.get(name, ()):
            case (ast.Name(id=source),) if source not in visited:
                name = source
                visited.add(name)
            case _:
                break
    return name


def _aliases(name: str, values: Values) -> frozenset[str]:
    """Return a name, and the names to which it is assigned, also by way of others."""
    names = {name}
    sources = {
        alias: {value.id for value in assigned if isinstance(value, ast.Name)}
        for alias, assigned in values.items()
    }
    while added := {alias for alias, assigned in sources.items() if assigned & names} - names:
        names |= added
    return frozenset(names)


def _called_name(call: ast.Call) -> str:
    """Return the name of what is called; empty if it has none."""
    function = call.func.value if isinstance(call.func, ast.NamedExpr) else call.func
    return function.id if isinstance(function, ast.Name) else ""


def _free_names(node: ast.AST) -> frozenset[str]:
    """Return the names that an expression reads, and neither assigns nor takes as an argument."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    bound = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    bound |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
    return frozenset(each.id for each in names) - bound
