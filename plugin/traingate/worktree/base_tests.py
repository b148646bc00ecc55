"""Compare the tests that a commit defines with those of the working tree, by their source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from traingate.errors import ConfigurationError
from traingate.untrusted.paths import is_file
from traingate.worktree.benchmark_tests import BenchmarkTest, SourceTree
from traingate.worktree.collection_changes import CollectionChanges
from traingate.worktree.name_origins import NameOrigins
from traingate.worktree.naming import TestNaming
from traingate.worktree.origins import Origin
from traingate.worktree.repository import Repository
from traingate.worktree.source_modules import SourceModules


@dataclass(frozen=True)
class TestPair:
    """Test of a commit, and the same test of the working tree.

    Attributes:
        name: Full name, without parameters.
        base: The test of the commit.
        present: That of the working tree; None if it does not define the test.
        base_origins, present_origins: Origins of names in the commit, and in the working tree.
        is_collected_alike: Whether nothing has changed that tells pytest which tests the file has,
            also because a sparse checkout leaves it out.
    """

    __test__ = False  # the class is no test

    name: str
    base: BenchmarkTest
    present: BenchmarkTest | None
    base_origins: NameOrigins
    present_origins: NameOrigins
    is_collected_alike: bool

    def has_moved(self, base: Origin, present: Origin) -> bool:
        """Return whether a definition was moved, and is imported again where it was.

        It was not if the one that is imported there was in the commit already, or if the earlier
        one is still there: a test then measures another object than before. If a module of both
        passes on either, neither may be.

        Args:
            base: Origin of a name in the commit.
            present: Origin of the name in the working tree.
        """
        old, new = base.definition, present.definition
        if old is None or new is None:
            return False
        is_new = not self.base_origins.defines(new)
        is_gone = not self.present_origins.defines(old)
        return (
            (old in present.sites and is_new)
            or (new in base.sites and is_gone)
            or (is_new and is_gone and not {*base.sites}.isdisjoint(present.sites))
        )


class Source(Enum):
    """What the working tree has of a test of the commit that pytest did not select."""

    REMOVED = "no such test"
    KEPT = "a test that pytest could collect"
    ALIKE = "a test for whose collection nothing has changed"


def paired_tests(
    repository: Repository,
    commit: str,
    root: Path,
    fixture: str,
    naming: TestNaming,
    *,
    is_named: Callable[[Path], bool] = lambda _file: False,
) -> list[TestPair]:
    """Return the tests of a commit that request a fixture, by themselves or by another one.

    Args:
        repository: Repository of the project.
        commit: Full name of the commit.
        root: Pytest's rootdir, to which the names are relative.
        fixture: Name of the fixture.
        naming: Names by which pytest recognises tests.
        is_named: Function that returns whether an argument of pytest names a file.

    Raises:
        ConfigurationError: If git cannot read the commit, or a file of it is nested too deeply.
    """
    read_from_commit = partial(repository.read_source, commit)
    files = repository.python_files(commit)
    present_files, left_out_files = repository.present_files(), repository.left_out_files()
    base, present = (
        SourceTree(modules, fixture, naming, is_named)
        for modules in (
            SourceModules(root, files.__contains__, read_from_commit),
            SourceModules(root, partial(_is_source, present_files), Path.read_bytes),
        )
    )
    changes = CollectionChanges.since(repository, commit)
    pairs = []
    for file in _relevant_files(repository, commit, base):
        if base.is_test_file(file):
            is_left_out = file in left_out_files
            module = file.relative_to(root).as_posix()
            base_tests = _tests_by_name(base, file, f"commit {commit[:9]}")
            present_tests = (
                base_tests if is_left_out else _tests_by_name(present, file, "the working tree")
            )
            pairs += [
                TestPair(
                    f"{module}::{name}",
                    test,
                    present_tests.get(name),
                    base.origins,
                    present.origins,
                    is_left_out or not changes.may_concern([file, *test.files]),
                )
                for name, test in base_tests.items()
            ]
    return pairs


def missing_tests(
    pairs: Iterable[TestPair], is_selected: Callable[[str], bool]
) -> dict[str, Source]:
    """Return what the working tree has of missing tests, by their full names.

    A test is missing if the working tree does not define it, or if pytest did not select it. One
    that is missing as a whole is named without parameters; removed parameters of other tests are
    missing too. A test that both define under a condition need not be selected.

    Args:
        pairs: Tests of the commit.
        is_selected: Function that returns whether pytest selected a test, by its full name without
            parameters.
    """
    missing: dict[str, Source] = {}
    for pair in pairs:
        ends = _removed_ends(pair.base, pair.present)
        missing |= {f"{pair.name}{end}": Source.REMOVED for end in ends}
        sides = (pair.base, pair.present)
        is_conditional = all(test is not None and test.is_conditional for test in sides)
        if not (ends or is_conditional or is_selected(pair.name)):
            missing[pair.name] = Source.ALIKE if pair.is_collected_alike else Source.KEPT
    return missing


def changed_tests(pairs: Iterable[TestPair], layers: Collection[str]) -> dict[str, str]:
    """Return how tests differ in what they measure, by their full names without parameters.

    Args:
        pairs: Tests of the commit.
        layers: Names of the fixtures that change what is measured.
    """
    changes = {}
    for pair in pairs:
        if pair.present is None:
            continue
        before, now = (test.requested & {*layers} for test in (pair.base, pair.present))
        texts = [f"requests {name} no more" for name in sorted(before - now)]
        texts += [f"requests {name} now" for name in sorted(now - before)]
        texts += pair.base.calls.changes(pair.present.calls, pair.has_moved)
        if texts:
            changes[pair.name] = ", ".join(texts)
    return changes


def _is_source(files: Collection[Path], file: Path) -> bool:
    """Return whether a file of the working tree is one of these, and no symbolic link."""
    return file in files and is_file(file) and not file.is_symlink()


def _tests_by_name(tree: SourceTree, file: Path, version: str) -> dict[str, BenchmarkTest]:
    """Return the tests of a file by their names, one of those that several branches define.

    Args:
        tree: Version of the project.
        file: File with tests.
        version: Description of the version.

    Raises:
        ConfigurationError: If the file is nested too deeply.
    """
    merged: dict[str, BenchmarkTest] = {}
    try:
        tests = tree.tests_in(file)
    except RecursionError:
        raise ConfigurationError(
            f"The tests of {file.relative_to(tree.modules.root)} in {version} cannot be compared: "
            "the file, or one that it imports, is nested too deeply to be read. Nest it less."
        ) from None
    for test in tests:
        other = merged.setdefault(test.name, test)
        if other is not test:
            calls = other.calls.joined(test.calls)
            parameters = test.parameters if test.parameters == other.parameters else None
            requested = test.requested | other.requested
            merged[test.name] = BenchmarkTest(
                test.name,
                test.files | other.files,
                parameters,
                requested,
                calls,
                is_conditional=True,
            )
    return merged


def _relevant_files(repository: Repository, commit: str, tree: SourceTree) -> list[Path]:
    """Return the files that name the fixture, or something by which tests request it."""
    files: set[Path] = set()
    names, searched_names = {tree.fixture}, set[str]()
    while new_names := names - searched_names:
        searched_names |= new_names
        new_files = {
            file
            for file in repository.files_with(commit, *new_names)
            if file.is_relative_to(tree.modules.root) and file not in files
        }
        files |= new_files
        for file in new_files:
            names |= {name for name in tree.leading_names(file) if name.isprintable()}
    return sorted(files)


def _removed_ends(test: BenchmarkTest, present: BenchmarkTest | None) -> list[str]:
    """Return the ends of the removed names of a test: empty for all, else its parameters."""
    if present is None:
        return [""]
    if test.parameters is None or present.parameters is None:
        return []
    present_names = {*present.parameters}
    return [f"[{name}]" for name in test.parameters if name not in present_names]
