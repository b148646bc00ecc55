"""Find tests that a commit defines and the working tree does not, by their source alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from traingate.worktree.repository import Repository


@dataclass(frozen=True)
class TestNaming:
    """Names by which pytest recognises tests, as its ini keys of these names set them.

    Attributes:
        python_files: Patterns of the names of files.
        python_classes, python_functions: Beginnings or patterns of the names in a file.
    """

    __test__ = False  # the class is no test

    python_files: Sequence[str] = ("test_*.py", "*_test.py")
    python_classes: Sequence[str] = ("Test",)
    python_functions: Sequence[str] = ("test",)


def removed_tests(
    repository: Repository, commit: str, root: Path, fixture: str, naming: TestNaming
) -> list[str]:
    """Return the full names of removed tests, without parameters.

    Args:
        repository: Repository of the project.
        commit: Full name of the commit.
        root: Pytest's rootdir, to which the names are relative.
        fixture: Name of a fixture; only tests that have it as an argument count.
        naming: Names by which pytest recognises tests.
    """
    removed = []
    for file in repository.files_with(commit, fixture):
        if not file.is_relative_to(root) or not _matches(file.name, naming.python_files):
            continue
        present = set(_tests_in(_read(file), fixture, naming))
        module = file.relative_to(root).as_posix()
        removed += [
            f"{module}::{name}"
            for name in _tests_in(repository.read_file(commit, file) or b"", fixture, naming)
            if name not in present
        ]
    return removed


def _read(file: Path) -> bytes:
    """Return the content of a file of the working tree, empty if it is gone."""
    return file.read_bytes() if file.is_file() else b""


def _tests_in(source: bytes, fixture: str, naming: TestNaming) -> Iterator[str]:
    """Yield the names of the tests with the fixture in a module, after those of their classes."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    yield from _tests_of(module, fixture, naming)


def _tests_of(parent: ast.Module | ast.ClassDef, fixture: str, naming: TestNaming) -> Iterator[str]:
    """Yield the names of the tests with the fixture in a module or a class."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef) and _matches(node.name, naming.python_classes):
            yield from (f"{node.name}::{name}" for name in _tests_of(node, fixture, naming))
        elif isinstance(node, ast.FunctionDef) and _matches(node.name, naming.python_functions):
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if fixture in {argument.arg for argument in arguments}:
                yield node.name


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a name starts with one of these texts, or has one of these patterns."""
    return any(name.startswith(pattern) or fnmatch(name, pattern) for pattern in patterns)
