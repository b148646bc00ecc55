"""Find the tests in a version of a project that request a fixture, by the source alone.

The code of another commit must not run in pytest's process, so its tests cannot be collected.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from traingate.worktree.fixture_requests import (
    Fixtures,
    autouse_fixtures,
    fixtures_defined_in,
    marked_fixtures,
    module_marks,
    overridden,
)
from traingate.worktree.measured_calls import MeasuredCalls, measured_calls
from traingate.worktree.parameter_ids import parameter_ids
from traingate.worktree.source_modules import SourceModules
from traingate.worktree.statements import (
    Definition,
    arguments_of,
    assigned_values,
    bound_names,
    last_name,
    nested_statements,
    statements_named,
)

_CONFTEST: Final = "conftest.py"

_UNITTEST_CLASSES: Final = ("TestCase", "IsolatedAsyncioTestCase")
"""Names of classes of unittest whose heirs pytest takes for tests, whatever they are called."""


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

    def with_defaults(self) -> TestNaming:
        """Return these names and pytest's own, so that a narrower ini key hides no test."""
        pairs = zip(astuple(self), astuple(TestNaming()), strict=True)
        return TestNaming(*((*own, *default) for own, default in pairs))


@dataclass(frozen=True)
class BenchmarkTest:
    """Test that requests the fixture.

    Attributes:
        name: Name in its module, after those of its classes, without parameters.
        parameters: IDs of its sets of parameters in their order; None if the source does not tell.
        requested: Names of the fixtures that it requests, by itself or by other fixtures.
        calls: Its calls of the fixture.
        is_conditional: True if it is defined under a condition, and may not be on this machine.
    """

    name: str
    parameters: tuple[str, ...] | None
    requested: frozenset[str] = frozenset()
    calls: MeasuredCalls = field(default_factory=MeasuredCalls)
    is_conditional: bool = False


@dataclass(frozen=True)
class _Scope:
    """Surroundings of tests.

    Attributes:
        file: File that defines them.
        fixtures: Fixtures that they can request.
        used: Fixtures that all of them request by a mark, or by ``autouse``.
        marks: Marks that all of them have, the outermost first.
    """

    file: Path
    fixtures: Fixtures
    used: frozenset[str] = frozenset()
    marks: tuple[ast.expr, ...] = ()

    def inside(
        self, body: Sequence[ast.stmt], decorators: Sequence[ast.expr], fixtures: Fixtures
    ) -> _Scope:
        """Return the surroundings of the tests of a module, or of a class in it.

        Args:
            body: Statements of the module or the class.
            decorators: Decorators of the class.
            fixtures: Fixtures that tests there can request.
        """
        marks = [*decorators, *reversed(module_marks(body))]  # pytest's order, from the end
        used = self.used | marked_fixtures(marks) | autouse_fixtures(body)
        return replace(self, fixtures=fixtures, used=used, marks=(*self.marks, *marks))


@dataclass(frozen=True)
class SourceTree:
    """Tests in one version of a project, by its sources.

    Attributes:
        modules: Modules of this version.
        fixture: Name of the fixture.
        naming: Names by which pytest recognises tests.
    """

    modules: SourceModules
    fixture: str
    naming: TestNaming

    def is_test_file(self, file: Path) -> bool:
        """Return whether pytest looks for tests in a file."""
        return file.is_relative_to(self.modules.root) and _matches(
            file.name, self.naming.python_files
        )

    def tests_in(self, file: Path) -> list[BenchmarkTest]:
        """Return the tests of a file that request the fixture, by themselves or by another one.

        A file that is nested too deeply to be read has none.
        """
        with contextlib.suppress(RecursionError):
            return [*self._tests_of(self.modules.body(file), self._scope_of(file))]
        return []

    def leading_names(self, file: Path) -> set[str]:
        """Return the names in a file by which other files can request the fixture.

        These are its fixtures, its classes with tests, which others inherit, and the name of a
        module in which pytest looks for no tests, since others may import its tests.
        """
        with contextlib.suppress(RecursionError):
            return self._leading_names(file)
        return set()

    def _leading_names(self, file: Path) -> set[str]:
        """Return the same; it fails in a file that is nested too deeply."""
        scope, body = self._scope_of(file), self.modules.body(file)
        names = {
            name
            for name in fixtures_defined_in(body)
            if self.fixture in _requested_by([name], scope.fixtures)
        }
        classes = [node for node in body if isinstance(node, ast.ClassDef)]
        names |= {node.name for node in classes if any(self._tests_of_class(node, scope))}
        if not self.is_test_file(file) and any(self._tests_of(body, scope)):
            names.add(file.parent.name if file.stem == "__init__" else file.stem)
        return names

    def _scope_of(self, file: Path) -> _Scope:
        """Return the surroundings of the tests of a file."""
        body = self.modules.body(file)
        fixtures = self._fixtures_of(file, self._conftest_fixtures(file))
        return _Scope(file, {}).inside(body, (), fixtures)

    def _conftest_fixtures(self, file: Path) -> Fixtures:
        """Return the fixtures of the files ``conftest.py`` that apply to *file*."""
        fixtures: Fixtures = {}
        for folder in reversed(file.parents):
            conftest = folder / _CONFTEST
            if folder.is_relative_to(self.modules.root) and conftest != file:
                fixtures = self._fixtures_of(conftest, fixtures)
        return fixtures

    def _fixtures_of(self, file: Path, outer: Fixtures) -> Fixtures:
        """Return the fixtures that a file defines or imports, and the outer ones."""
        imported: Fixtures = {}
        for local_name, (source, name) in self.modules.imported_places(file):
            body = self.modules.body(source)
            definitions = fixtures_defined_in(body if name == "*" else statements_named(body, name))
            if name in definitions:  # without a name of its own, the fixture has the function's
                definitions = {local_name: definitions[name]}
            imported = {**imported, **definitions}
        own = fixtures_defined_in(self.modules.body(file))
        return overridden(overridden(outer, imported), own)

    def _tests_of(
        self, body: Iterable[ast.stmt], scope: _Scope, prefix: str = ""
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests that a module defines or imports, or those that a class itself defines.

        Args:
            body: Statements of the module or the class.
            scope: Surroundings of its tests.
            prefix: Names of the classes around the tests, each with ``::`` after it.
        """
        body = [*body]
        last = {name: number for number, node in enumerate(body) for name in bound_names(node)}
        for number, node in enumerate(body):
            if isinstance(node, Definition):
                if last[node.name] == number:
                    yield from self._tests_named(node.name, node, scope, prefix)
            elif isinstance(node, ast.ImportFrom) and not prefix:
                for name, (source, source_name) in self.modules.places_of(node, scope.file):
                    for each in statements_named(self.modules.body(source), source_name):
                        if last[name] == number and isinstance(each, Definition):
                            source_scope = replace(scope, file=source)
                            yield from self._tests_named(name, each, source_scope, prefix)
            else:
                for test in self._tests_of(nested_statements(node), scope, prefix):
                    yield replace(test, is_conditional=True)

    def _tests_named(
        self, name: str, node: Definition, scope: _Scope, prefix: str
    ) -> Iterator[BenchmarkTest]:
        """Yield a test, or the tests of a class, that a module knows by this name."""
        if isinstance(node, ast.ClassDef):
            if self._is_test_class(name, node):
                yield from self._tests_of_class(node, scope, f"{prefix}{name}::")
            return
        marks = (*scope.marks, *node.decorator_list)
        used = scope.used | marked_fixtures(marks)
        requested = _requested_by([*arguments_of(node), *used], scope.fixtures)
        if self.fixture in requested and _matches(name, self.naming.python_functions):
            modules, file = self.modules, scope.file
            own_imports = modules.origins_of(ast.walk(node), file)
            origins = {**modules.origins(file), **own_imports}
            calls = measured_calls(self.fixture, node, modules.values(file), origins)
            yield BenchmarkTest(f"{prefix}{name}", parameter_ids(marks), requested, calls)

    def _is_test_class(self, name: str, node: ast.ClassDef) -> bool:
        """Return whether pytest looks for tests in a class: not if it says so, or has __init__."""
        is_excluded = any(getattr(each, "name", "") == "__init__" for each in node.body) or any(
            ast.unparse(value) == "False"
            for value in assigned_values(node.body).get("__test__", ())
        )
        is_test_case = any(last_name(base) in _UNITTEST_CLASSES for base in node.bases)
        return not is_excluded and (is_test_case or _matches(name, self.naming.python_classes))

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
        fixtures = overridden(outer.fixtures, fixtures_defined_in(node.body))
        scope = outer.inside(node.body, node.decorator_list, fixtures)
        yield from self._tests_of(node.body, scope, prefix)
        own_names = {name for each in node.body for name in bound_names(each)}
        for base, base_file in self._bases(node, outer.file):
            if base.name not in heirs:
                base_scope = replace(scope, file=base_file)
                for test in self._tests_of_class(base, base_scope, "", heirs | {node.name}):
                    if test.name.partition("::")[0] not in own_names:
                        yield replace(test, name=f"{prefix}{test.name}")

    def _bases(self, node: ast.ClassDef, file: Path) -> Iterator[tuple[ast.ClassDef, Path]]:
        """Yield the bases of a class that the project defines at the top level, and their files."""
        places = self.modules.imports(file)
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id != node.name:
                source, name = places.get(base.id, (file, base.id))
                for each in statements_named(self.modules.body(source), name):
                    if isinstance(each, ast.ClassDef):
                        yield each, source


def _requested_by(names: Iterable[str], fixtures: Fixtures) -> frozenset[str]:
    """Return these names of fixtures, and those of all that they request."""
    requested: set[str] = set()
    added = set(names)
    while added:
        requested |= added
        added = {each for name in added for each in fixtures.get(name, ())} - requested
    return frozenset(requested)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a name starts with one of these texts, or has one of these patterns."""
    return any(name.startswith(pattern) or fnmatch(name, pattern) for pattern in patterns)
