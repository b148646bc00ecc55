"""Find the tests in a version of a project that request a fixture, by the source alone.

The code of another commit must not run in pytest's process, so its tests cannot be collected.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from traingate.worktree.fixture_requests import (
    Fixtures,
    arguments_of,
    fixtures_defined_in,
    marked_fixtures,
    overridden,
    used_fixtures,
)
from traingate.worktree.parameter_ids import parameter_ids

_CONFTEST: Final = "conftest.py"


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


@dataclass(frozen=True)
class BenchmarkTest:
    """Test that requests the fixture.

    Attributes:
        name: Name in its module, after those of its classes, without parameters.
        parameters: IDs of its sets of parameters in their order; None if the source does not tell.
        requested: Names of the fixtures that it requests, by itself or by other fixtures.
        calls: Sources of its calls of the fixture, in their order.
    """

    name: str
    parameters: tuple[str, ...] | None
    requested: frozenset[str] = frozenset()
    calls: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Scope:
    """Surroundings of tests.

    Attributes:
        file: File that defines them.
        fixtures: Fixtures that they can request.
        used: Fixtures that all of them request by a mark.
    """

    file: Path
    fixtures: Fixtures
    used: frozenset[str] = frozenset()

    def inside(self, node: ast.ClassDef) -> _Scope:
        """Return the surroundings of the tests of a class."""
        fixtures = overridden(self.fixtures, fixtures_defined_in(node.body))
        used = self.used | marked_fixtures(node.decorator_list) | used_fixtures(node.body)
        return _Scope(self.file, fixtures, used)


@dataclass
class SourceTree:
    """Sources of one version of a project.

    Attributes:
        root: Folder above which no file is read.
        has_file: Function that tells whether this version has a file.
        read: Function that returns the content of such a file.
        fixture: Name of the fixture.
        naming: Names by which pytest recognises tests.
    """

    root: Path
    has_file: Callable[[Path], bool]
    read: Callable[[Path], bytes | None]
    fixture: str
    naming: TestNaming
    _modules: dict[Path, ast.Module | None] = field(default_factory=dict)

    def is_test_file(self, file: Path) -> bool:
        """Return whether pytest looks for tests in a file."""
        return file.is_relative_to(self.root) and _matches(file.name, self.naming.python_files)

    def tests_in(self, file: Path) -> list[BenchmarkTest]:
        """Return the tests of a file that request the fixture, by themselves or by another one."""
        module = self._module(file)
        if module is None:
            return []
        fixtures = self._fixtures_of(module, file, self._conftest_fixtures(file))
        return [*self._tests_of(module, _Scope(file, fixtures, used_fixtures(module.body)))]

    def leading_names(self, file: Path) -> set[str]:
        """Return the names in a file by which other files can request the fixture.

        These are its fixtures, and its classes with tests, which others inherit.
        """
        module = self._module(file)
        if module is None:
            return set()
        scope = _Scope(file, self._fixtures_of(module, file, self._conftest_fixtures(file)))
        names = {
            name
            for name in fixtures_defined_in(module.body)
            if self.fixture in _requested_by([name], scope.fixtures)
        }
        classes = [node for node in module.body if isinstance(node, ast.ClassDef)]
        return names | {node.name for node in classes if any(self._tests_of_class(node, scope))}

    def _module(self, file: Path) -> ast.Module | None:
        if file not in self._modules:
            self._modules[file] = None
            # The two last ones are for expressions that are nested very deeply.
            with contextlib.suppress(OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                if self.has_file(file):
                    self._modules[file] = ast.parse(self.read(file) or b"")
        return self._modules[file]

    def _conftest_fixtures(self, file: Path) -> Fixtures:
        """Return the fixtures of the files ``conftest.py`` that apply to *file*."""
        fixtures: Fixtures = {}
        for folder in reversed(file.parents):
            conftest = folder / _CONFTEST
            if folder.is_relative_to(self.root) and conftest != file:
                module = self._module(conftest)
                if module is not None:
                    fixtures = self._fixtures_of(module, conftest, fixtures)
        return fixtures

    def _fixtures_of(self, module: ast.Module, file: Path, outer: Fixtures) -> Fixtures:
        """Return the fixtures that a module defines or imports, and the outer ones."""
        imported: Fixtures = {}
        for local_name, source, name in self._imports(module, file):
            source_module = self._module(source)
            nodes = source_module.body if source_module else []
            if name != "*":
                nodes = [node for node in nodes if getattr(node, "name", None) == name]
            definitions = fixtures_defined_in(nodes)
            if name in definitions:  # without a name of its own, the fixture has the function's
                definitions = {local_name: definitions[name]}
            imported = {**imported, **definitions}
        return overridden(overridden(outer, imported), fixtures_defined_in(module.body))

    def _imports(self, module: ast.Module, file: Path) -> Iterator[tuple[str, Path, str]]:
        """Yield local name, file and name there of the project's names that a module imports."""
        for node in module.body:
            if isinstance(node, ast.ImportFrom):
                source = self._imported_file(node, file)
                if source is not None:
                    yield from (
                        (each.asname or each.name, source, each.name) for each in node.names
                    )

    def _imported_file(self, node: ast.ImportFrom, file: Path) -> Path | None:
        """Return the file of the project from which a statement imports, None without one."""
        parts = node.module.split(".") if node.module else []
        folders = file.parents[node.level - 1 : node.level] if node.level else file.parents
        paths = [folder.joinpath(*parts) for folder in folders if folder.is_relative_to(self.root)]
        candidates = [
            candidate
            for path in paths
            for candidate in (path.with_name(f"{path.name}.py"), path / "__init__.py")
        ]
        return next(filter(self.has_file, candidates), None)

    def _tests_of(
        self, parent: ast.Module | ast.ClassDef, scope: _Scope, prefix: str = ""
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests in a module, or those that a class itself defines.

        Args:
            parent: The module or class.
            scope: Surroundings of its tests.
            prefix: Names of the classes around the tests, each with ``::`` after it.
        """
        for node in parent.body:
            if isinstance(node, ast.ClassDef):
                if not self._is_test_class(node):
                    continue
                yield from self._tests_of_class(node, scope, f"{prefix}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                marked = scope.used | marked_fixtures(node.decorator_list)
                requested = _requested_by([*arguments_of(node), *marked], scope.fixtures)
                is_test = _matches(node.name, self.naming.python_functions)
                if is_test and self.fixture in requested:
                    yield BenchmarkTest(
                        f"{prefix}{node.name}",
                        parameter_ids(node.decorator_list),
                        requested,
                        tuple(_calls_of(self.fixture, node)),
                    )

    def _is_test_class(self, node: ast.ClassDef) -> bool:
        """Return whether pytest looks for tests in a class: not if it says so, or has __init__."""
        is_excluded = any(
            getattr(each, "name", "") == "__init__"
            or (isinstance(each, ast.Assign) and ast.unparse(each) == "__test__ = False")
            for each in node.body
        )
        return not is_excluded and _matches(node.name, self.naming.python_classes)

    def _tests_of_class(
        self,
        node: ast.ClassDef,
        outer: _Scope,
        prefix: str = "",
        heirs: frozenset[str] = frozenset(),
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests of a class, and those that it inherits and does not override.

        Args:
            node: The class.
            outer: Surroundings of the class.
            prefix: Names of it and of the classes around it, each with ``::`` after it.
            heirs: Names of the classes that inherit from it.
        """
        scope = outer.inside(node)
        yield from self._tests_of(node, scope, prefix)
        own_names = {getattr(each, "name", "") for each in node.body}
        for base, base_file in self._bases(node, outer.file):
            if base.name not in heirs:
                base_scope = replace(scope, file=base_file)
                for test in self._tests_of_class(base, base_scope, "", heirs | {node.name}):
                    if test.name.partition("::")[0] not in own_names:
                        yield replace(test, name=f"{prefix}{test.name}")

    def _bases(self, node: ast.ClassDef, file: Path) -> Iterator[tuple[ast.ClassDef, Path]]:
        """Yield the bases of a class that the project defines at the top level, and their files."""
        module = self._module(file)
        assert module is not None
        places = {local: (source, name) for local, source, name in self._imports(module, file)}
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id != node.name:
                source, name = places.get(base.id, (file, base.id))
                source_module = self._module(source)
                for each in source_module.body if source_module else ():
                    if isinstance(each, ast.ClassDef) and each.name == name:
                        yield each, source


def _requested_by(names: Iterable[str], fixtures: Fixtures) -> frozenset[str]:
    """Return these names of fixtures, and those of all that they request."""
    requested: set[str] = set()
    added = set(names)
    while added:
        requested |= added
        added = {each for name in added for each in fixtures.get(name, ())} - requested
    return frozenset(requested)


def _calls_of(name: str, function: ast.AST) -> Iterator[str]:
    """Yield the sources of the calls of a name in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield ast.unparse(node)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a name starts with one of these texts, or has one of these patterns."""
    return any(name.startswith(pattern) or fnmatch(name, pattern) for pattern in patterns)
