"""Training benchmarks that a commit defines and the working tree does not."""

from __future__ import annotations

import subprocess

import pytest

from traingate.worktree.removed_tests import TestNaming, removed_tests
from traingate.worktree.repository import Repository

TESTS = """
class TestNet:
    def test_deep(self, training_benchmark): ...

class Helper:
    def test_none(self, training_benchmark): ...

def test_plain(training_benchmark, *, channels_last): ...

def test_other(): ...

def helper(training_benchmark): ...
"""


@pytest.fixture
def repository(tmp_path):
    root = tmp_path.resolve()
    (root / "speed").mkdir()
    (root / "speed" / "test_net.py").write_text(TESTS)
    (root / "test_gone.py").write_text("def test_gone(training_benchmark): ...")
    (root / "conftest.py").write_text("def test_none(training_benchmark): ...")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True)
    return Repository(root)


def removed(repository, root=None, **naming):
    commit = repository.resolve_commit("HEAD").hash
    folder = root or repository.root
    return removed_tests(repository, commit, folder, "training_benchmark", TestNaming(**naming))


def test_nothing_is_removed_from_an_unchanged_tree(repository):
    assert removed(repository) == []


def test_removed_and_renamed_tests_and_files_are_found(repository):
    (repository.root / "test_gone.py").unlink()
    file = repository.root / "speed" / "test_net.py"
    file.write_text(TESTS.replace("test_deep", "test_wide"))
    assert sorted(removed(repository)) == [
        "speed/test_net.py::TestNet::test_deep",
        "test_gone.py::test_gone",
    ]
    assert removed(repository, repository.root / "speed") == ["test_net.py::TestNet::test_deep"]


def test_a_test_that_no_longer_asks_for_the_fixture_is_removed(repository):
    file = repository.root / "speed" / "test_net.py"
    file.write_text(TESTS.replace("test_plain(training_benchmark, *", "test_plain(*"))
    assert removed(repository) == ["speed/test_net.py::test_plain"]


def test_tests_are_recognised_by_the_names_that_pytest_is_given(repository):
    (repository.root / "test_gone.py").unlink()
    assert removed(repository, python_files=["bench_*.py"]) == []
    assert removed(repository, python_functions=["bench"]) == []
    assert removed(repository, python_functions=["*_gone"]) == ["test_gone.py::test_gone"]
