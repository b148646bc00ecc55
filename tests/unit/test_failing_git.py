"""A git that fails is an error, and no empty answer, by which nothing would be compared."""

from __future__ import annotations

import shutil

import pytest
from test_worktree import commit, git, new_repository

from traingate.errors import ConfigurationError
from traingate.pull_requests.data_branch import _tagged_commits
from traingate.worktree.commit_log import commits_to, newest_tag
from traingate.worktree.repository import Repository


@pytest.fixture
def repository(tmp_path):
    root = new_repository((tmp_path / "project").resolve())
    commit(root, models="one")
    git(root, "tag", "one")
    return Repository(root)


def damage_objects(repository):
    """Remove all objects, as a network file system may do for a while."""
    shutil.rmtree(repository.root / ".git" / "objects")
    (repository.root / ".git" / "objects").mkdir()


def damage_index(repository):
    (repository.root / ".git" / "index").write_bytes(b"no index")


def damage_repository(repository):
    (repository.root / ".git" / "config").write_text("[no configuration")


READERS = {
    "python_files": (lambda each, name: each.python_files(name), damage_objects),
    "files_with": (lambda each, name: each.files_with(name, "def"), damage_objects),
    "read_source": (
        lambda each, name: each.read_source(name, each.root / "models.py"),
        damage_objects,
    ),
    "submodules": (lambda each, name: each.submodules(name), damage_objects),
    "commits_to": (commits_to, damage_objects),
    "newest_tag": (lambda each, name: newest_tag(each, frozenset([name])), damage_objects),
    "matches_working_tree": (lambda each, name: each.matches_working_tree(name), damage_index),
    "ignored_paths": (lambda each, _: each.ignored_paths(), damage_index),
    "is_submodule": (lambda each, _: each.is_submodule, damage_repository),
    "tagged_commits": (lambda _each, _name: _tagged_commits(), damage_repository),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_repository_that_git_cannot_read_is_an_error_and_no_empty_one(
    repository, monkeypatch, reader
):
    monkeypatch.chdir(repository.root)
    commit_hash = repository.resolve_commit("HEAD").hash
    read, damage = READERS[reader]
    read(repository, commit_hash)
    damage(repository)
    with pytest.raises(ConfigurationError, match=r"git [a-z-]+ failed in .*project: .+"):
        read(repository, commit_hash)


LEAKS = {
    "PATH": {"PATH": "/nowhere"},
    "ceiling": {"GIT_CEILING_DIRECTORIES": "{root}"},
    "settings": {"GIT_CONFIG_COUNT": "-1"},
}
"""Variables that a test may leave behind, by which git finds no repository."""


@pytest.mark.parametrize("leak", LEAKS)
def test_a_repository_that_git_does_not_find_any_more_is_an_error(repository, monkeypatch, leak):
    folder = repository.root / "tests"
    folder.mkdir()
    assert Repository.required_if_any(folder) == repository
    for name, value in LEAKS[leak].items():
        monkeypatch.setenv(name, value.format(root=repository.root))
    with pytest.raises(ConfigurationError, match=r"git cannot read the repository of .+: .+"):
        Repository.required_if_any(folder)


def test_a_folder_outside_of_all_repositories_is_no_error(tmp_path):
    assert Repository.required_if_any(tmp_path) is None


def test_a_file_of_which_git_lacks_the_content_is_not_taken_for_a_new_one(repository):
    file = repository.root / "models.py"
    blob = git(repository.root, "rev-parse", "HEAD:models.py")
    (repository.root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert repository.read_source("HEAD", repository.root / "other.py") is None
    with pytest.raises(ConfigurationError, match="git cat-file failed"):
        repository.read_source("HEAD", file)


def test_a_repository_without_a_commit_and_without_tags_is_read(tmp_path, monkeypatch):
    root = new_repository((tmp_path / "project").resolve())
    monkeypatch.chdir(root)
    (root / ".gitignore").write_text("*.so\n")
    (root / " a.so").write_text("")
    repository = Repository(root)
    assert repository.ignored_paths() == (" a.so",)
    assert not repository.is_submodule
    assert newest_tag(repository, frozenset()) is None
    assert _tagged_commits() == frozenset()


def test_a_system_without_git_is_an_error(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="git does not run: "):
        repository.ignored_paths()
