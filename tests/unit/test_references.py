"""Test that names of commits are resolved as users expect, in clones of every kind."""

import re
import shlex
import subprocess

import pytest
from test_worktree import commit, git, new_repository

from traingate.errors import ConfigurationError
from traingate.worktree.repository import Repository


@pytest.fixture
def remote(tmp_path):
    """Return a repository with two commits on main, and a tag on the first."""
    folder = new_repository(tmp_path / "remote")
    git(folder, "checkout", "-q", "-b", "main")
    commit(folder, models="one")
    git(folder, "tag", "v1")
    commit(folder, models="two")
    git(folder, "config", "uploadpack.allowReachableSHA1InWant", "true")
    return folder


@pytest.fixture
def clone(remote, tmp_path):
    """Return a function that clones the remote with options, and returns the repository."""

    def make(*options, name="clone"):
        git(tmp_path, "clone", "-q", *options, remote.as_uri(), name)
        return Repository((tmp_path / name).resolve())

    return make


def test_in_a_pull_requests_checkout_a_branch_is_that_of_the_remote(clone, remote):
    repository = clone()
    git(repository.root, "checkout", "-q", "--detach")
    git(repository.root, "branch", "-D", "main")
    found = repository.resolve_commit("main")
    assert found.hash == git(remote, "rev-parse", "main")
    assert str(found) == f"commit {found.hash[:9]} (origin/main)"
    assert repository.resolve_commit("main~1").hash == git(remote, "rev-parse", "main~1")


def test_the_only_remote_may_have_any_name(clone):
    repository = clone("--origin", "upstream")
    git(repository.root, "checkout", "-q", "--detach")
    git(repository.root, "branch", "-D", "main")
    assert repository.resolve_commit("main").name == "upstream/main"


@pytest.fixture
def two_remotes(clone, tmp_path):
    """Return a clone without branch main, whose remotes are called fork and upstream."""
    repository = clone("--origin", "upstream", name="with_two")
    root = repository.root
    git(tmp_path, "clone", "-q", "--bare", str(root), "fork.git")
    git(root, "remote", "add", "fork", (tmp_path / "fork.git").as_uri())
    git(root, "checkout", "-q", "--detach")
    git(root, "branch", "-D", "main")
    return repository


def test_of_several_remotes_the_one_that_has_the_branch_is_meant(two_remotes, remote):
    assert two_remotes.resolve_commit("main").name == "upstream/main"
    git(two_remotes.root, "fetch", "-q", "fork")  # at the same commit
    assert two_remotes.resolve_commit("main").hash == git(remote, "rev-parse", "main")
    git(two_remotes.root, "update-ref", "refs/remotes/fork/main", "v1")
    with pytest.raises(ConfigurationError, match="'main' may mean fork/main and upstream/main"):
        two_remotes.resolve_commit("main")
    assert two_remotes.resolve_commit("fork/main").name == "fork/main"


def test_the_advice_for_several_remotes_names_them(two_remotes, remote):
    git(remote, "branch", "later", "v1")
    with pytest.raises(ConfigurationError, match=r"If upstream has it, put that for fork") as error:
        two_remotes.resolve_commit("later")
    assert "fork has it, use: git fetch fork +later:refs/remotes/fork/later" in str(error.value)
    with pytest.raises(ConfigurationError, match="If upstream has it, use") as error:
        two_remotes.resolve_commit("upstream/later")
    _follow_advice(two_remotes, error)
    assert two_remotes.resolve_commit("later").name == "upstream/later"


def test_a_local_branch_comes_before_a_tag_and_a_tag_before_the_remotes_branch(clone):
    repository = clone()
    root = repository.root
    branch, tag = git(root, "rev-parse", "main"), git(root, "rev-parse", "v1")
    git(root, "tag", "main", "v1")
    assert repository.resolve_commit("main").hash == branch != tag
    git(root, "checkout", "-q", "--detach")
    git(root, "branch", "-D", "main")
    assert repository.resolve_commit("main").hash == tag


def test_head_and_hashes_are_what_git_takes_them_for(clone):
    repository = clone()
    head = git(repository.root, "rev-parse", "HEAD")
    git(repository.root, "update-ref", "refs/heads/HEAD", "v1")
    for reference in ("HEAD", "HEAD~0", head, head[:7], "refs/heads/main", "origin/main"):
        assert repository.resolve_commit(reference).hash == head
    assert str(repository.resolve_commit(head[:7])) == f"commit {head[:9]}"


@pytest.mark.parametrize("reference", ["main", "v1", "origin/main", "main~1", "HEAD~1"])
def test_the_advice_for_a_shallow_clone_mends_it(clone, remote, reference):
    git(remote, "checkout", "-q", "-b", "topic")
    commit(remote, models="three")
    repository = clone("--depth=1", "--branch=topic")
    with pytest.raises(ConfigurationError, match="clone is shallow") as error:
        repository.resolve_commit(reference)
    _follow_advice(repository, error)
    name = reference.replace("HEAD", "topic").removeprefix("origin/")
    assert repository.resolve_commit(reference).hash == git(remote, "rev-parse", f"{name}^{{}}")


def test_a_hash_that_a_shallow_clone_lacks_can_be_fetched(clone, remote):
    missing = git(remote, "rev-parse", "v1")
    repository = clone("--depth=1")
    with pytest.raises(ConfigurationError, match="clone is shallow") as error:
        repository.resolve_commit(missing)
    _follow_advice(repository, error)
    assert repository.resolve_commit(missing).hash == missing


def test_without_a_remote_there_is_nothing_to_fetch(remote):
    with pytest.raises(ConfigurationError, match="no remote to fetch it from"):
        Repository(remote).resolve_commit("elsewhere")


def _follow_advice(repository, error):
    """Run the command at the end of the message."""
    command = re.search(r"git fetch .*", str(error.value))[0]
    subprocess.run(shlex.split(command), cwd=repository.root, check=True, capture_output=True)
