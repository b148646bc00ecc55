"""Tell by their names which files, classes and functions pytest takes for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True)
class TestNaming:
    """Names by which pytest recognises tests, as its ini keys of these names set them.

    Attributes:
        python_files: Patterns of the names of files, or of the ends of their paths.
        python_classes, python_functions: Beginnings or patterns of the names in a file.
    """

    __test__ = False  # the class is no test

    python_files: Sequence[str] = ("test_*.py", "*_test.py")
    python_classes: Sequence[str] = ("Test",)
    python_functions: Sequence[str] = ("test",)

    def has_file(self, file: Path) -> bool:
        """Return whether pytest takes a file for one of tests; it is named by its absolute path.

        A pattern with a slash is one of paths, and matches their ends if it is relative.
        """
        path = file.as_posix()
        return any(
            fnmatch(path, each) or fnmatch(path, f"*/{each}")
            if "/" in each
            else fnmatch(file.name, each)
            for each in self.python_files
        )

    def has_class(self, name: str) -> bool:
        """Return whether pytest takes a class of this name for one of tests."""
        return _matches(name, self.python_classes)

    def has_function(self, name: str) -> bool:
        """Return whether pytest takes a function of this name for a test."""
        return _matches(name, self.python_functions)

    def joined(self, other: TestNaming) -> TestNaming:
        """Return the names of both."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return TestNaming(*((*own, *others) for own, others in pairs))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a name starts with one of these texts, or has one of these patterns."""
    return any(name.startswith(pattern) or fnmatch(name, pattern) for pattern in patterns)
