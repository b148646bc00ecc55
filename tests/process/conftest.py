from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from workers import IMPORT_PATHS, Project, git, launched_processes

from traingate.comparison.base_side import BaseSides


@pytest.fixture
def temporary(monkeypatch, tmp_path_factory):
    """A temporary directory of the test's own; afterwards no launch may have left anything."""
    tmp_path_factory.getbasetemp()  # pytest's own is made now, and not in that directory
    # Not below pytest's: the path of a socket must be short.
    directory = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp")).resolve()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    yield directory
    try:
        assert launched_processes(directory) == []
        assert list(directory.glob("traingate-*")) == []
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def stand_in(temporary, monkeypatch):
    """Let workers find the stand-in for torch."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(IMPORT_PATHS), prepend=os.pathsep)


@pytest.fixture
def project(stand_in, temporary):
    """A project whose one commit has a model of 10 ms per step; afterwards no worktree is left."""
    folder = temporary / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    project = Project(folder)
    project.write(0.01)
    project.commit()
    yield project
    assert len(project.worktrees()) == 1
    assert list((folder / ".git").rglob("*.lock")) == []


@pytest.fixture
def base_sides(project, temporary):
    sides = BaseSides(project.folder, temporary)
    yield sides
    sides.close()
