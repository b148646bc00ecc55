"""Projects with one commit, whose training benchmarks are compared with those of the working tree."""

from __future__ import annotations

import subprocess

from traingate.worktree.base_tests import missing_tests, paired_tests
from traingate.worktree.naming import TestNaming
from traingate.worktree.repository import Repository


def committed(folder, **files):
    """Return a repository of these files, which are named by their path without ``.py``."""
    root = folder.resolve() / "project"
    for name, text in files.items():
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    commit_all(root)
    return Repository(root)


def commit_all(root):
    """Make a folder a repository with one commit of all its files."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(root), *identity, *arguments], check=True)


def pairs_of(repository, root=None, **naming):
    """Return the pairs of tests, by these names of pytest's ini keys."""
    commit = repository.resolve_commit("HEAD").hash
    folder = root or repository.root
    return paired_tests(repository, commit, folder, "training_benchmark", TestNaming(**naming))


def removed(repository, root=None, is_selected=lambda test: True, **naming):
    """Return the names of the missing tests."""
    return list(missing_tests(pairs_of(repository, root, **naming), is_selected))
