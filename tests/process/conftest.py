from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from workers import (
    IMPORT_PATHS,
    Project,
    git,
    launched_processes,
    record_of,
    with_yardstick,
)

from sample_records import save_run
from sample_settings import settings
from session_leftovers import paths_below
from traingate.comparison.against_base import AgainstBase
from traingate.comparison.base_side import BaseSides
from traingate.host.hardware import hardware
from traingate.report.progress import NoProgress
from traingate.worktree.removal import Removal

TOLERANCE = 40.0
"""Percent: 10 ms are told from 40 on a busy machine too, and 10 ms from 10."""


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
    assert paths_below(folder / ".git", ".lock") == []


@pytest.fixture
def base_sides_with(project, temporary):
    """``base_sides_with(command)``: base sides of the project, prepared by a setup command."""
    with Removal() as removal:
        yield lambda command: BaseSides(project.folder, temporary, removal, command)


@pytest.fixture
def base_sides(base_sides_with):
    return base_sides_with(None)


@pytest.fixture
def compared(project, base_sides):
    """``compared(...)``: the result of a duet of the working tree with its commit."""

    def compare(
        against="HEAD", base=None, sides=base_sides, *, observer=None, measurement=None, **changes
    ):
        chosen = settings(against=against, launches=2)
        job = replace(project.job(project=project.folder), **changes)
        comparison = AgainstBase(chosen, TOLERANCE, job, sides, base=base)
        comparison.prepare()
        return comparison.conclude(measurement or record_of([0.01]), observer or NoProgress())

    return compare


@pytest.fixture
def save(pytester, monkeypatch):
    """``save(step_seconds, tests)``: a saved run with these tests of ``sleeping``."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(IMPORT_PATHS))
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")

    def write(step_seconds, *tests, name="0001_base", **changes):
        of_sleeping = {"workload": "trainings.py::sleeping", "stack": (), "scale": "smoke"}
        record = record_of(step_seconds, **{"machine": hardware(), **of_sleeping, **changes})
        names = tests or ("test_speed.py::test_sleeping",)
        stored = dict.fromkeys(names, with_yardstick(record))
        save_run(pytester.path / "stored" / f"{name}.json", stored)

    return write
