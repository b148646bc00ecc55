"""Keep which fixtures and marks the tests of a module or a class have in common."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from traingate.worktree.fixture_requests import (
    Fixtures,
    autouse_fixtures,
    fixtures_defined_in,
    marked_fixtures,
    module_marks,
    overridden,
)


@dataclass(frozen=True)
class Scope:
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

    def of_module(self, body: Sequence[ast.stmt]) -> Scope:
        """Return the surroundings of the tests of a module with these statements."""
        return self._with(module_marks(body)[::-1], autouse_fixtures(body), self.fixtures)

    def of_class(self, classes: Sequence[ast.ClassDef]) -> Scope:
        """Return the surroundings of the tests of a class.

        Args:
            classes: The class, and those from which it inherits, in the order in which Python
                looks for a name.
        """
        fixtures, used = self.fixtures, frozenset[str]()
        for node in reversed(classes):
            own = fixtures_defined_in(node.body)
            fixtures = overridden(fixtures, own)
            used = used - own.keys() | autouse_fixtures(node.body)
        marks = [
            mark
            for node in classes  # pytest's order, from the end
            for mark in (*node.decorator_list, *reversed(module_marks(node.body)))
        ]
        return self._with(marks, used, fixtures)

    def of_test(self, decorators: Iterable[ast.expr]) -> Scope:
        """Return the surroundings of the only test that has these decorators."""
        return self._with([*decorators], frozenset(), self.fixtures)

    def requested(self, names: Iterable[str]) -> frozenset[str]:
        """Return the fixtures that a test requests: those with these names, and their own ones."""
        requested: set[str] = set()
        added = {*names, *self.used}
        while added:
            requested |= added
            added = {each for name in added for each in self.fixtures.get(name, ())} - requested
        return frozenset(requested)

    def _with(self, marks: Sequence[ast.expr], used: frozenset[str], fixtures: Fixtures) -> Scope:
        """Return a scope inside of this one that has further marks and used fixtures."""
        used = self.used | used | marked_fixtures(marks)
        return replace(self, fixtures=fixtures, used=used, marks=(*self.marks, *marks))
