"""Read from the source which fixtures a module, a class, or a mark defines or requests."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from traingate.worktree.statements import last_name, requested_fixtures, source_of

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
    return {
        name: frozenset(requested_fixtures(function)) for name, function, _ in _fixtures_in(body)
    }


def autouse_fixtures(body: Iterable[ast.stmt]) -> frozenset[str]:
    """Return the fixtures that a module or a class defines and all its tests request."""
    return frozenset(
        name
        for name, _, keywords in _fixtures_in(body)
        if "autouse" in keywords and source_of(keywords["autouse"]) == "True"
    )


def _fixtures_in(
    body: Iterable[ast.stmt],
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, Mapping[str, ast.expr]]]:
    """Yield the fixtures that statements define.

    Yields:
        The name of the fixture, its function, and the keywords of its decorator.
    """
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                call = decorator if isinstance(decorator, ast.Call) else None
                if last_name(call.func if call else decorator).endswith("fixture"):
                    pairs = ((each.arg, each.value) for each in (call.keywords if call else ()))
                    keywords = {name: value for name, value in pairs if name is not None}
                    own_name = getattr(keywords.get("name"), "value", None)
                    yield own_name if isinstance(own_name, str) else node.name, node, keywords


def module_marks(body: Iterable[ast.stmt]) -> list[ast.expr]:
    """Return the marks in ``pytestmark``, which all tests of a module or a class have."""
    marks: list[ast.expr] = []
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if value is not None and any(
            isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets
        ):
            earlier_marks = marks if isinstance(node, ast.AugAssign) else []
            marks = [*earlier_marks, *getattr(value, "elts", [value])]
    return marks


def marked_fixtures(marks: Iterable[ast.expr]) -> frozenset[str]:
    """Return the fixtures that marks request by ``usefixtures``."""
    return frozenset(
        argument.value
        for mark in marks
        if isinstance(mark, ast.Call) and last_name(mark.func) == "usefixtures"
        for argument in mark.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    )
