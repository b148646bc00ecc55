"""Git's output is read in the same way whatever the user has set."""

from __future__ import annotations

import subprocess

import pytest

from traingate.worktree.base_tests import missing_tests, paired_tests
from traingate.worktree.benchmark_tests import TestNaming
from traingate.worktree.commit_log import commits_to, newest_tag
from traingate.worktree.git_command import run_git
from traingate.worktree.repository import Repository

TEST = "def test_x(training_benchmark): ...\n"

SETTINGS = (
    "color.ui=always",
    "color.grep=always",
    "column.ui=always",
    "column.tag=always",
    "grep.patternType=perl",
    "grep.fullName=false",
    "grep.lineNumber=true",
    "log.showSignature=true",
    "log.decorate=full",
    "submodule.recurse=true",
    "core.quotePath=true",
    "diff.ignoreSubmodules=all",
    "diff.external=true",
    "diff.noprefix=true",
)
VARIABLES = (
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("GIT_NOGLOB_PATHSPECS", "1"),
    ("GIT_EXTERNAL_DIFF", "true"),
)


@pytest.fixture
def repository(tmp_path):
    root = (tmp_path / "project").resolve()
    root.mkdir()
    (root / "test_x.py").write_text(TEST)
    (root / " test_y.py").write_text(TEST)
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    commands = (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first"), ("tag", "one"))
    for command in (*commands, ("tag", "two")):
        subprocess.run(["git", "-C", str(root), *identity, *command], check=True)
    (root / "test_x.py").write_text("")
    return Repository(root)


def check_reading(repository):
    commit = repository.resolve_commit("HEAD").hash
    naming = TestNaming()
    pairs = paired_tests(repository, commit, repository.root, "training_benchmark", naming)
    assert missing_tests(pairs, lambda _: True) == {"test_x.py::test_x": False}
    files = repository.files_with(commit, "training_benchmark")
    assert (
        {file.name for file in files}
        == {"test_x.py", " test_y.py"}
        == {file.name for file in repository.python_files(commit)}
    )
    assert not repository.matches_working_tree("HEAD")
    (entry,) = commits_to(repository, commit)
    assert (entry.subject, entry.tags) == ("first", ("one", "two"))
    assert newest_tag(repository, frozenset([commit]))[1] == commit


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_of_the_user_changes_nothing(repository, setting):
    subprocess.run(["git", "-C", repository.root, "config", *setting.split("=")], check=True)
    check_reading(repository)


@pytest.mark.parametrize(("name", "value"), VARIABLES)
def test_a_variable_of_the_user_changes_nothing(repository, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    check_reading(repository)


def test_an_attribute_of_the_project_hides_no_test(repository):
    (repository.root / ".gitattributes").write_text("*.py binary diff=none\n")
    check_reading(repository)


def test_filters_and_hooks_have_the_locale_of_the_user(repository, monkeypatch):
    """A filter that reads names or texts in another encoding would check out other files."""
    locale = {"LC_ALL": "C.UTF-8", "LANGUAGE": "de"}
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    (repository.root / ".gitattributes").write_text("*.py filter=noting\n")
    settings = ("-c", "filter.noting.clean=env >noted")
    run_git(repository.root, *settings, "hash-object", "test_x.py")
    variables = (repository.root / "noted").read_text().splitlines()
    assert {f"{name}={value}" for name, value in locale.items()} <= {*variables}
