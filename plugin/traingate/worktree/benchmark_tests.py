"""Find the tests in a version of a project that request a fixture, by the source alone.

The code of another commit must not run in pytest's process, so its tests cannot be collected.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from traingate.worktree.class_lineage import Lineage, lineage, may_have_tests
from traingate.worktree.fixture_requests import (
    Fixtures,
    fixtures_defined_in,
    overridden,
)
from traingate.worktree.import_graph import ImportGraph
from traingate.worktree.measured_calls import MeasuredCalls, measured_calls
from traingate.worktree.name_origins import NameOrigins
from traingate.worktree.naming import TestNaming
from traingate.worktree.parameter_ids import parameter_ids, parameter_names
from traingate.worktree.scopes import Scope
from traingate.worktree.source_modules import SourceModules
from traingate.worktree.statements import (
    Definition,
    all_statements,
    assigned_values,
    bound_names,
    branches,
    collection_settings,
    is_false,
    last_bindings,
    requested_fixtures,
    statements_named,
)

_CONFTEST: Final = "conftest.py"


@dataclass(frozen=True)
class BenchmarkTest:
    """Test that requests the fixture.

    Attributes:
        name: Name in its module, after those of its classes, without parameters.
        files: Files that define its function, its classes and their bases, or that pass these on.
        parameters: IDs of its sets of parameters in their order; None if the source does not tell.
        requested: Names of the fixtures that it requests, by itself or by other fixtures.
        calls: Its calls of the fixture.
        is_conditional: True if it is defined under a condition, and may not be on this machine.
    """

    name: str
    files: frozenset[Path]
    parameters: tuple[str, ...] | None
    requested: frozenset[str] = frozenset()
    calls: MeasuredCalls = field(default_factory=MeasuredCalls)
    is_conditional: bool = False


@dataclass(frozen=True)
class SourceTree:
    """Tests in one version of a project, by its sources.

    Attributes:
        modules: Modules of this version.
        fixture: Name of the fixture.
        naming: Names by which pytest recognises tests.
        is_named: Function that returns whether an argument of pytest names a file, which makes it a
            file of tests.
    """

    modules: SourceModules
    fixture: str
    naming: TestNaming
    is_named: Callable[[Path], bool] = lambda _file: False

    @cached_property
    def origins(self) -> NameOrigins:
        """Return the origins of the names in the modules."""
        return NameOrigins(self.modules)

    @cached_property
    def _imports(self) -> ImportGraph:
        """Return the imports that are executed on every machine."""
        return ImportGraph(self.modules, with_conditions=False)

    def is_test_file(self, file: Path) -> bool:
        """Return whether pytest looks for tests in a file."""
        return self.is_named(file) or self.naming.has_file(file)

    def tests_in(self, file: Path) -> list[BenchmarkTest]:
        """Return the tests of a file that request the fixture, by themselves or by another one.

        Raises:
            RecursionError: If the file, or one from which it imports, is nested too deeply.
        """
        body = self.modules.body(file)
        if any(is_false(value) for value in assigned_values(body).get("__test__", ())[-1:]):
            return []
        return [*self._tests_of(body, self._scope_of(file))]

    def leading_names(self, file: Path) -> set[str]:
        """Return the names in a file by which other files can request the fixture.

        These are its fixtures, its classes with tests, which others inherit, and the name of a
        module in which pytest looks for no tests, since others may import its tests.
        """
        with contextlib.suppress(RecursionError):
            return self._leading_names(file)
        return set()

    def _leading_names(self, file: Path) -> set[str]:
        """Return the names by which other files can request the fixture, see ``leading_names``.

        Raises:
            RecursionError: If the file is nested too deeply.
        """
        scope, body = self._scope_of(file), self.modules.body(file)
        names = {
            name for name in fixtures_defined_in(body) if self.fixture in scope.requested([name])
        }
        classes = [node for node in body if isinstance(node, ast.ClassDef)]
        names |= {node.name for node in classes if self._is_for_heirs(node, scope)}
        names |= self._leading_aliases(file, scope)
        if not self.naming.has_file(file) and any(self._tests_of(body, scope)):
            names.add(file.parent.name if file.stem == "__init__" else file.stem)
        return names

    def _leading_aliases(self, file: Path, scope: Scope) -> set[str]:
        """Return other names by which a file passes on fixtures and classes that it imports."""
        names = set()
        for local_name, site in self._imports.sites(file).items():
            source, name = self._imports.definition(site)
            definitions = statements_named(self.modules.body(source), name)
            if local_name != name and (
                self.fixture in scope.requested([local_name])
                or any(
                    self._is_for_heirs(node, replace(scope, file=source))
                    for node in definitions
                    if isinstance(node, ast.ClassDef)
                )
            ):
                names.add(local_name)
        return names

    def _scope_of(self, file: Path) -> Scope:
        """Return the surroundings of the tests of a file."""
        body = self.modules.body(file)
        fixtures = self._fixtures_of(file, self._conftest_fixtures(file))
        return Scope(file, fixtures).of_module(body)

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
        own = fixtures_defined_in(self.modules.body(file))
        imported = self._imported_fixtures(file, {file})
        return overridden(overridden(outer, imported), own)

    def _imported_fixtures(self, file: Path, visited: set[Path]) -> Fixtures:
        """Return the fixtures that a file imports.

        Args:
            file: The file.
            visited: Files whose imports have been followed, to which those of ``*`` are added.
        """
        imported: Fixtures = {}
        for local_name, site in self.modules.imported_sites(file):
            if local_name == "*":
                source = site[0]
                definitions = fixtures_defined_in(self.modules.body(source))
                if source not in visited:
                    visited.add(source)
                    definitions = {**self._imported_fixtures(source, visited), **definitions}
            else:
                source, name = self._imports.definition(site)
                definitions = fixtures_defined_in(statements_named(self.modules.body(source), name))
                if name in definitions:  # without a name of its own, it has the function's
                    definitions = {local_name: definitions[name]}
            imported = {**imported, **definitions}
        return imported

    def _tests_of(
        self, body: Iterable[ast.stmt], scope: Scope, prefix: str = ""
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests that a module defines or imports, or those that a class itself defines.

        Args:
            body: Statements of the module or the class.
            scope: Surroundings of its tests.
            prefix: Names of the classes around the tests, each with ``::`` after it.
        """
        body = [*body]
        settings = collection_settings(body)
        excluded = {name for name, is_collected in settings.items() if not is_collected}
        nested_settings = collection_settings(all_statements(body))
        uncertain = {name for name, is_collected in nested_settings.items() if not is_collected}
        pending = [(*binding, False) for binding in reversed(last_bindings(body))]
        while pending:  # a recursion would end at a thousand branches of one condition
            node, names, is_conditional = pending.pop()
            names -= excluded
            tests: Iterable[BenchmarkTest] = ()
            if isinstance(node, Definition):
                if names:
                    tests = self._tests_named(node.name, node, scope, prefix)
            elif isinstance(node, ast.ImportFrom):
                tests = () if prefix else self._imported_tests(node, names, scope)
            else:
                nested = [each for block in branches(node) for each in last_bindings(block)]
                pending += [(*binding, True) for binding in reversed(nested)]
            for test in tests:
                is_uncertain = is_conditional or not names.isdisjoint(uncertain)
                yield replace(test, is_conditional=True) if is_uncertain else test

    def _imported_tests(
        self, node: ast.ImportFrom, names: Collection[str], scope: Scope
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests that a statement of a module imports by some of its names."""
        for name, site in self.modules.sites_of(node, scope.file):
            chain = self._imports.chain(site)
            files = frozenset(file for file, _ in chain)
            source, source_name = chain[-1]
            for each in statements_named(self.modules.body(source), source_name):
                if name in names and isinstance(each, Definition):
                    for test in self._tests_named(name, each, replace(scope, file=source), ""):
                        yield replace(test, files=test.files | files)

    def _tests_named(
        self, name: str, node: Definition, scope: Scope, prefix: str
    ) -> Iterator[BenchmarkTest]:
        """Yield a test, or the tests of a class, that a module knows by this name."""
        if isinstance(node, ast.ClassDef):
            classes = lineage(self._imports, node, scope.file)
            if may_have_tests(self.modules, classes, lambda: self.naming.has_class(name)):
                yield from self._tests_of_class(classes, scope, f"{prefix}{name}::")
            return
        if fixtures_defined_in([node]):
            return
        test_scope = scope.of_test(node.decorator_list)
        given = parameter_names(test_scope.marks)
        requested = test_scope.requested(requested_fixtures(node) - given)
        if self.fixture in requested and self.naming.has_function(name):
            values = self.modules.values(scope.file)
            origin_of = self.origins.in_function(node, scope.file)
            calls = measured_calls(self.fixture, node, values, origin_of)
            yield BenchmarkTest(
                f"{prefix}{name}",
                frozenset({scope.file}),
                parameter_ids(test_scope.marks),
                requested,
                calls,
            )

    def _tests_of_class(
        self, classes: Lineage, outer: Scope, prefix: str
    ) -> Iterator[BenchmarkTest]:
        """Yield the tests of a class, and those that it inherits and does not override.

        Args:
            classes: The class and its bases.
            outer: Surroundings of the class.
            prefix: Names of it and of the classes around it, each with ``::`` after it.
        """
        scope = outer.of_class([node for node, _ in classes])
        files = frozenset(file for _, file in classes)
        overriding: set[str] = set()
        for node, file in classes:
            for test in self._tests_of(node.body, replace(scope, file=file), prefix):
                if test.name.removeprefix(prefix).partition("::")[0] not in overriding:
                    yield replace(test, files=test.files | files)
            overriding |= {name for each in node.body for name in bound_names(each)}

    def _is_for_heirs(self, node: ast.ClassDef, scope: Scope) -> bool:
        """Return whether a class that inherits from this one may have tests with the fixture."""
        classes = lineage(self._imports, node, scope.file)
        inner = scope.of_class([each for each, _ in classes])
        fixtures = {name for each, _ in classes for name in fixtures_defined_in(each.body)}
        has_tests = any(self._tests_of_class(classes, scope, f"{node.name}::"))
        return has_tests or self.fixture in inner.requested(fixtures)
