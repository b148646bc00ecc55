"""Find the IDs that pytest gives to the parameters of a test, by the source alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import Final

from traingate.worktree.statements import is_false, last_name, source_of

_MAX_SETS: Final = 10_000
"""Largest number of sets of parameters of one test that are compared."""

_FALSE: Final = ast.Constant(value=False)


def parameter_ids(decorators: Iterable[ast.expr]) -> tuple[str, ...] | None:
    """Return the IDs of a test's sets of parameters, empty without ``parametrize``.

    Values that are no constants are named by their source. This is not what pytest calls them, but
    equal for equal source.

    Args:
        decorators: Decorators of the function.

    Returns:
        The IDs in pytest's order; None if a list of values is not written out in the decorator, or
        if they are too many.
    """
    ids_of_marks = []
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and last_name(decorator.func).endswith("parametrize"):
            ids = _ids_of_mark(decorator)
            if ids is None:
                return None
            ids_of_marks.append(ids)
    if not ids_of_marks:
        return ()
    if prod(map(len, ids_of_marks)) > _MAX_SETS:
        return None
    # pytest applies the decorator next to the function first, and varies it slowest.
    return tuple("-".join(ids) for ids in product(*reversed(ids_of_marks)))


def parameter_names(decorators: Iterable[ast.expr]) -> frozenset[str]:
    """Return the names of a test's parameters, which are no fixtures even if there are such ones.

    Args:
        decorators: Decorators of the function.
    """
    names = set[str]()
    for decorator in decorators:
        if isinstance(decorator, ast.Call) and last_name(decorator.func).endswith("parametrize"):
            keywords = {keyword.arg: keyword.value for keyword in decorator.keywords}
            written = decorator.args[0] if decorator.args else keywords.get("argnames")
            parts = [written] if isinstance(written, ast.Constant) else _elements(written) or ()
            texts = [part.value for part in parts if isinstance(part, ast.Constant)]
            indirect = keywords.get("indirect", _FALSE)
            has_others = bool(decorator.args[2:]) or None in keywords  # may be "indirect" too
            if is_false(indirect) and not has_others:
                names |= {
                    name.strip()
                    for text in texts
                    if isinstance(text, str)
                    for name in text.split(",")
                }
    return frozenset(names)


def _ids_of_mark(mark: ast.Call) -> list[str] | None:
    """Return the IDs of one ``parametrize``; None if they are not written out in it."""
    keywords = {keyword.arg: keyword.value for keyword in mark.keywords}
    values = mark.args[1] if len(mark.args) > 1 else keywords.get("argvalues")
    ids = keywords.get("ids")
    elements = _elements(values)
    if elements is None:
        return None
    if ids is None:
        is_single = _is_single(mark.args[0] if mark.args else keywords.get("argnames"))
        return [_id_of_set(element, is_single=is_single) for element in elements]
    names = _elements(ids)
    if names is None or len(names) != len(elements):
        return None
    return [_id_of_value(name) for name in names]


def _elements(node: ast.expr | None) -> Sequence[ast.expr] | None:
    """Return the elements of a list or a tuple that is written out, else None."""
    if not isinstance(node, ast.List | ast.Tuple):
        return None
    has_unpacking = any(isinstance(element, ast.Starred) for element in node.elts)
    return None if has_unpacking else node.elts


def _is_single(names: ast.expr | None) -> bool:
    """Return whether the names of a ``parametrize`` are a text with one name."""
    return (
        isinstance(names, ast.Constant) and isinstance(names.value, str) and "," not in names.value
    )


def _id_of_set(node: ast.expr, *, is_single: bool) -> str:
    """Return the ID of one set of values: a value, a tuple of them, or a ``pytest.param``."""
    if isinstance(node, ast.Call) and source_of(node.func) in {"pytest.param", "param"}:
        for keyword in node.keywords:
            if keyword.arg == "id":
                return _id_of_value(keyword.value)
        return "-".join(map(_id_of_value, node.args))
    elements = None if is_single else _elements(node)
    return _id_of_value(node) if elements is None else "-".join(map(_id_of_value, elements))


def _id_of_value(node: ast.expr) -> str:
    """Return the ID of one value: its text if it is a simple constant, else its source.

    Pytest takes the name of a function or a class without its module.
    """
    if isinstance(node, ast.Attribute):
        return node.attr
    try:
        value = ast.literal_eval(node)
        text = str(value)
    except (ValueError, TypeError, RecursionError, MemoryError):  # the last two for deep nesting
        return source_of(node)
    return text if isinstance(value, str | int | float | None) else source_of(node)
