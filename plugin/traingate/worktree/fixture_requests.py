"""Read from the source which fixtures a module, a class, or a mark defines or requests."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from traingate.worktree.statements import arguments_of, last_name

Fixtures: TypeAlias = Mapping[str, frozenset[str]]
"""Names that each fixture requests, by its own name."""


def overridden(outer: Fixtures, inner: Fixtures) -> Fixtures:
    """Return the fixtures of both; an inner one may request the outer one of its name."""
    merged = {
        name: names | outer.get(name, frozenset()) if name in names else names
        for name, names in inner.items()
    }
    return {**outer, **merged}


def fixtures_defined_in(body: Iterable[ast.stmt]) -> Fixtures:
    """Return the fixtures that the statements of a module or a class define."""
    fixtures = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if last_name(call.func if call else decorator).endswith("fixture"):
                    names = {
                        keyword.value.value
                        for keyword in (call.keywords if call else ())
                        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
                    }
                    requested = frozenset(arguments_of(node))
                    fixtures[str(next(iter(names), node.name))] = requested
    return fixtures


def autouse_fixtures(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Return the fixtures that a module or a class defines and all its tests request."""
    calls = [
        (node.name, decorator)
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and last_name(decorator.func).endswith("fixture")
    ]
    return frozenset(
        name
        for name, call in calls
        for keyword in call.keywords
        if keyword.arg == "autouse" and ast.unparse(keyword.value) == "True"
    )


def module_marks(body: Iterable[ast.stmt]) -> list[ast.expr]:
    """Return the marks in ``pytestmark``, which all tests of a module or a class have."""
    values = [
        node.value
        for node in body
        if isinstance(node, ast.Assign)
        and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
        )
    ]
    return [each for value in values for each in getattr(value, "elts", [value])]


def marked_fixtures(marks: Iterable[ast.expr]) -> frozenset[str]:
    """Return the fixtures that marks request by ``usefixtures``."""
    return frozenset(
        argument.value
        for mark in marks
        if isinstance(mark, ast.Call) and last_name(mark.func) == "usefixtures"
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )
