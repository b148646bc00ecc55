"""Find tests that a commit defines and a run of the working tree lacks, by their source."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from traingate.worktree.benchmark_tests import BenchmarkTest, SourceTree, TestNaming
from traingate.worktree.repository import Repository


def missing_tests(
    repository: Repository,
    commit: str,
    root: Path,
    fixture: str,
    naming: TestNaming,
    *,
    is_selected: Callable[[str], bool],
) -> dict[str, bool]:
    """Return whether the working tree defines a missing test, by the full names of missing tests.

    A test is missing if the working tree does not define it, or if pytest did not select it. One
    that is missing as a whole is named without parameters; removed parameters of other tests are
    missing too.

    Args:
        repository: Repository of the project.
        commit: Full name of the commit.
        root: Pytest's rootdir, to which the names are relative.
        fixture: Name of a fixture; only tests count that request it, or another fixture that
            requests it.
        naming: Names by which pytest recognises tests.
        is_selected: Function that returns whether pytest selected a test, by its full name without
            parameters.
    """
    read_from_commit = partial(repository.read_file, commit)
    files = repository.python_files(commit)
    base = SourceTree(root, files.__contains__, read_from_commit, fixture, naming)
    present = SourceTree(root, Path.is_file, Path.read_bytes, fixture, naming)
    missing: dict[str, bool] = {}
    for file in _relevant_files(repository, commit, base):
        if base.is_test_file(file):
            module = file.relative_to(root).as_posix()
            present_tests = {test.name: test for test in present.tests_in(file)}
            for test in base.tests_in(file):
                name = f"{module}::{test.name}"
                ends = _removed_ends(test, present_tests.get(test.name))
                missing |= {f"{name}{end}": False for end in ends}
                if not ends and not is_selected(name):
                    missing[name] = True
    return missing


def _relevant_files(repository: Repository, commit: str, tree: SourceTree) -> list[Path]:
    """Return the files that name the fixture, or something by which tests request it."""
    files: set[Path] = set()
    names, searched_names = {tree.fixture}, set[str]()
    while names - searched_names:
        name = (names - searched_names).pop()
        searched_names.add(name)
        new_files = {
            file
            for file in repository.files_with(commit, name)
            if file.is_relative_to(tree.root) and file not in files
        }
        files |= new_files
        for file in new_files:
            names |= tree.leading_names(file)
    return sorted(files)


def _removed_ends(test: BenchmarkTest, present: BenchmarkTest | None) -> list[str]:
    """Return the ends of the removed names of a test: empty for all, else its parameters."""
    if present is None:
        return [""]
    if test.parameters is None or present.parameters is None:
        return []
    return [f"[{name}]" for name in test.parameters if name not in present.parameters]
