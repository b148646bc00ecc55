"""Read from the source of a test what it measures: its calls of the fixture, and their names."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from traingate.worktree.fixture_requests import arguments_of


@dataclass(frozen=True)
class MeasuredCalls:
    """Calls of the fixture in a test.

    Attributes:
        sources: Sources of the calls, in their order.
        origins: Where the names in them come from, as ``SourceModules.origins`` says it, or the
            source of the value that is assigned to one; names of fixtures, parameters, functions
            and classes are left out.
    """

    sources: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


def measured_calls(
    fixture: str,
    function: ast.FunctionDef | ast.AsyncFunctionDef,
    module_body: Iterable[ast.stmt],
    imported: Mapping[str, str],
) -> MeasuredCalls:
    """Return the calls of a fixture in a test, also under another name that the test gives it.

    Args:
        fixture: Name of the fixture.
        function: The test.
        module_body: Statements of its module.
        imported: Origins of the names that its module imports.
    """
    values = {**_assigned(module_body), **_assigned(ast.walk(function))}
    names = {fixture, *_aliases(fixture, values)}
    calls = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
    ]
    origins: dict[str, str] = {}
    parameters = arguments_of(function)
    added = {name for call in calls for name in _names_in(call)}
    while added:
        name = added.pop()
        if name in parameters or name in origins:
            continue
        if name in values:
            origins[name] = ast.unparse(values[name])
            added |= {*_names_in(values[name])}
        elif name in imported:
            origins[name] = imported[name]
    return MeasuredCalls(tuple(map(ast.unparse, calls)), origins)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """Return the values that statements assign to single names; the last one of each name."""
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def _aliases(name: str, values: Mapping[str, ast.expr]) -> Iterator[str]:
    """Yield the names to which a name is assigned."""
    for alias, value in values.items():
        if isinstance(value, ast.Name) and value.id == name:
            yield alias


def _names_in(node: ast.AST) -> Iterator[str]:
    """Yield the names that an expression reads."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
