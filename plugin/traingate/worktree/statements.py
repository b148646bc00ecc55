"""Read which names the statements of a module, a class or a function define, assign and use."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

Definition: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
"""Statement that defines a name."""

Values: TypeAlias = Mapping[str, tuple[ast.expr, ...]]
"""Values that statements assign to names, in their order."""

_Assignment: TypeAlias = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr
"""Node that gives names a value, or another one."""


def parsed_module(source: str | bytes) -> ast.Module | None:
    """Return the statements of a source, of which Python finds the encoding if it is bytes.

    Returns:
        The module; None if it is no Python, or is nested too deeply to be read.
    """
    try:
        with warnings.catch_warnings():  # pytest's filters may turn one of the source into an error
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for deep nesting
        return None


def assigned_values(nodes: Iterable[ast.AST]) -> Values:
    """Return the values that statements assign to names, or add to them as by ``+=``."""
    values: dict[str, list[ast.expr]] = {}
    for node in nodes:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, _Assignment) and node.value is not None:
            for target in targets:
                for name, value in _pairs(target, node.value):
                    values.setdefault(name, []).append(value)
    return {name: tuple(assigned) for name, assigned in values.items()}


def _pairs(target: ast.expr | None, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names in the target of an assignment, each with its value."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        if len(parts) == len(target.elts):
            for each, part in zip(target.elts, parts, strict=True):
                yield from _pairs(each, part)


def statements_named(body: Iterable[ast.stmt], name: str) -> list[ast.stmt]:
    """Return the statements that define a name."""
    return [node for node in body if getattr(node, "name", "") == name]


def bound_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines, imports, assigns or deletes."""
    if isinstance(node, Definition):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {each.asname or each.name for each in node.names}
    if isinstance(node, ast.Delete):
        names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
        return {each.id for each in names if isinstance(each.ctx, ast.Del)}
    return {*assigned_values([node])}


def branches(node: ast.stmt) -> list[list[ast.stmt]]:
    """Return the statements in each branch of a condition, a loop, or another such statement.

    Of branches that exclude each other, the first one comes last, since a later statement replaces
    what earlier ones bind: most machines take the first branch of an import with a fallback.
    """
    others = [each.body for name in ("handlers", "cases") for each in getattr(node, name, ())]
    blocks = [getattr(node, name, []) for name in ("body", "orelse", "finalbody")]
    if isinstance(node, ast.If):
        blocks = [node.orelse, node.body]
    return [*reversed(others), *blocks]


def all_statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements, and those nested in them, but for the bodies of functions and classes."""
    pending = [*body][::-1]
    while pending:  # a recursion would end at a thousand branches of one condition
        node = pending.pop()
        yield node
        if not isinstance(node, Definition):
            pending += [each for block in branches(node) for each in block][::-1]


def last_bindings(body: Iterable[ast.stmt]) -> list[tuple[ast.stmt, set[str]]]:
    """Return statements, each with the names that it binds and that no later one binds again."""
    bindings, later_names = [], set[str]()
    for node in reversed([*body]):
        names = bound_names(node)
        bindings.append((node, names - later_names))
        later_names |= names
    return bindings[::-1]


def collection_settings(body: Iterable[ast.stmt]) -> Mapping[str, bool]:
    """Return whether pytest looks for tests in objects, by the names of those that a body sets.

    Args:
        body: Statements of a module or a class, such as ``TestBase.__test__ = False``.
    """
    return {
        target.value.id: not is_false(node.value)
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
        and target.attr == "__test__"
        and isinstance(target.value, ast.Name)
    }


def is_false(node: ast.expr) -> bool:
    """Return whether an expression is the constant ``False``."""
    return isinstance(node, ast.Constant) and node.value is False


def source_of(node: ast.expr) -> str:
    """Return the source of an expression; a text that stands for it if Python cannot write it."""
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):  # for a number of many digits, or a sum of many parts
        return f"a long value ({_digest(node)})"


def values_text(values: Iterable[ast.expr]) -> str:
    """Return one text for the values of a name, each by ``source_of``."""
    return ", then ".join(map(source_of, values))


def _digest(node: ast.AST) -> str:
    """Return a text that is equal for equal syntax trees, of any depth."""
    digest = hashlib.sha256()
    pending: list[object] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, ast.AST):
            text = type(each).__name__
            pending += [value for _, value in ast.iter_fields(each)]
        elif isinstance(each, list):
            text = f"list of {len(each)}"
            pending += each
        else:
            text = hex(each) if type(each) is int else repr(each)
        digest.update(f"{text}\n".encode())
    return digest.hexdigest()[:12]


def arguments_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names of a function's parameters."""
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return {argument.arg for argument in arguments}


def requested_fixtures(node: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names of a function's parameters without a default, which pytest passes to it."""
    by_place = (*node.args.posonlyargs, *node.args.args)
    by_name = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return {
        *(argument.arg for argument in by_place[: len(by_place) - len(node.args.defaults)]),
        *(argument.arg for argument, default in by_name if default is None),
    }


def last_name(node: ast.expr) -> str:
    """Return ``c`` for ``a.b.c`` and for ``c``, empty for other expressions."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
