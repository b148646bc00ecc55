"""Tell which modules exist in a working tree alone because a build made them.

A commit has no files that git ignores, so its tree lacks them until a command builds them there.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Final

_CODE_NODES: Final = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Call, ast.Await,
    ast.For, ast.While, ast.With, ast.Try, ast.comprehension,
)  # fmt: skip
"""Kinds of syntax that a module of values alone does not have."""

_TYPING_MODULES: Final = {"__future__", "typing", "collections.abc"}


def is_compiled(file: str) -> bool:
    """Return whether *file* is a compiled module."""
    return file.endswith(tuple(EXTENSION_SUFFIXES))


def is_generated(file: str, origin: str, ignored: Sequence[str]) -> bool:
    """Return whether the working tree's *file* was made by a build rather than written by a person.

    Args:
        file: Absolute path of a module in the working tree that the commit lacks.
        origin: Absolute path of the working tree.
        ignored: Paths that git ignores, as ``Repository.ignored_paths`` returns them.
    """
    path = Path(file) if Path(file).is_relative_to(origin) else Path(file).resolve()
    inside = path.relative_to(origin).as_posix()
    is_ignored = any(
        inside.startswith(path) if path.endswith("/") else inside == path for path in ignored
    )
    return is_ignored or is_compiled(file)


def holds_only_values(file: str) -> bool:
    """Return whether *file* is a Python module of constants, such as ``_version.py``.

    Such a module has no code that could be slow, so both sides of a duet may use the same one.
    """
    if not file.endswith(".py"):
        return False
    try:
        module = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    for node in ast.walk(module):
        imports = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imports = [node.module or ""]
        if isinstance(node, _CODE_NODES) or not _TYPING_MODULES.issuperset(imports):
            return False
    return True
