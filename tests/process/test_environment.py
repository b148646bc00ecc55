"""Packages of real workers: recorded, compared, and robust against damaged installations."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from workers import name_in

from sample_records import save_run
from sample_settings import settings
from traingate.controller.job import LaunchPlan
from traingate.controller.measure import measure
from traingate.errors import WorkerError
from traingate.gate.limits import Limits
from traingate.layers.stack import Stack
from traingate.records import Cause, Outcome
from traingate.report.progress import NoProgress
from traingate.report.verdict import explain
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest

TEST = "test_models.py::test_model"

MODEL = """
import time
from trainings import training

def model():
    return training(step)

def step():
    import helper  # in a step, as a library that loads its parts when they are needed
    time.sleep({seconds} + helper.SECONDS)
"""


class Library:
    """A folder on the search path with one version of the distribution ``helper``."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()

    def install(self, version, seconds):
        """Replace the installed version, as pip does."""
        for item in self.folder.glob("helper-*"):
            shutil.rmtree(item)
        (self.folder / "helper.py").write_text(f"SECONDS = {seconds}\n")
        metadata = self.folder / f"helper-{version}.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Name: helper\nVersion: {version}\n")
        (metadata / "RECORD").write_text("helper.py,sha256=a,1\n")


@pytest.fixture
def library(project, temporary, monkeypatch):
    """Helper 1.0, which the model of the project imports in its steps."""
    library = Library(temporary / "library")
    library.install("1.0", 0.0)
    monkeypatch.setenv("PYTHONPATH", str(library.folder), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # versions may have the same time and size
    write_model(project)
    project.commit()
    return library


def write_model(project, seconds=0.01):
    project.model.write_text(MODEL.format(seconds=seconds))


@pytest.fixture
def run(project, temporary):
    """``run(compare=...)``: the measurement of the model in a session of its own."""

    def run_session(**changes):
        storage = str(temporary / "storage")
        options = settings(**{"launches": 2, "steps": 4, "storage": storage, **changes})
        session = Session(options, project.folder, [str(project.folder)])
        request = BenchmarkRequest(TEST, name_in(project.model, "model"), Stack(), Limits())
        try:
            return session.run(request, NoProgress()).measurement
        finally:
            session.close()

    return run_session


@pytest.fixture
def save(temporary):
    """``save(measurement, commit)``: a saved run of a clean commit."""

    def write(measurement, commit):
        path = temporary / "storage" / "0001_base.json"
        save_run(path, {TEST: measurement})
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "commit_info": {"id": commit, "dirty": False}}))

    return write


@pytest.mark.timed
def test_a_slower_dependency_is_a_regression_by_the_environment(library, project, run, save):
    stored = run()
    assert stored.environment["packages"]["helper"] == "1.0"
    save(stored, project.head())
    library.install("2.0", 0.06)
    verdict = run(compare=True).verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.REGRESSED, Cause.ENVIRONMENT)
    assert "helper: 1.0 there, 2.0 here" in verdict.evidence
    assert "by the environment, not by the code" in explain(verdict)


@pytest.mark.long
@pytest.mark.timed
def test_a_slower_dependency_is_found_beside_changed_code(library, project, run, save):
    save(run(), project.head())
    library.install("2.0", 0.06)
    write_model(project, 0.0101)
    verdict = run(compare=True, tolerance=40.0).verdict
    assert (verdict.outcome, verdict.cause) == (Outcome.REGRESSED, Cause.ENVIRONMENT)
    assert "helper: 1.0 there, 2.0 here" in verdict.evidence


@pytest.mark.timed
def test_the_same_dependency_is_no_change(library, project, run, save):
    save(run(), project.head())
    verdict = run(compare=True, tolerance=40.0).verdict
    assert (verdict.outcome, verdict.evidence) == (Outcome.PASSED, ())


def test_a_dependency_that_changes_while_it_is_measured_is_an_error(library, project):
    class Upgrading(NoProgress):
        def launching(self, number, planned):
            if number == 2:
                library.install("2.0", 0.0)

    job = project.job(launches=LaunchPlan(2, 2), peak_rss_bytes=None)
    with pytest.raises(WorkerError, match=r"helper: 1\.0 there, 2\.0 here"):
        measure(job, lambda _: True, Upgrading())


@pytest.mark.long
@pytest.mark.timed
def test_a_leftover_of_an_interrupted_installation_fails_no_launch(library, project, run, save):
    (library.folder / "~orch-2.8.0.dist-info").mkdir()
    (library.folder / "torch-2.8.0.dist-info").mkdir()
    save(run(), project.head())
    write_model(project, 0.2)
    verdict = run(compare=True, tolerance=40.0).verdict  # by a duet, which looks at packages too
    assert (verdict.outcome, verdict.cause) == (Outcome.REGRESSED, Cause.CODE)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("direct_url.json", b'{"url": "file:'),
        pytest.param("direct_url.json", b"[]", marks=pytest.mark.long),
        pytest.param("direct_url.json", b'{"url": 1, "dir_info": {}}', marks=pytest.mark.long),
        pytest.param(
            "direct_url.json", b'{"url": "file:///a", "dir_info": []}', marks=pytest.mark.long
        ),
        pytest.param("direct_url.json", b"\xff", marks=pytest.mark.long),
        ("METADATA", b"Name: f\xfcr\nVersion: 1.0\n"),
        ("RECORD", b"f\xfcr.py,,\n"),
    ],
    ids=["truncated", "list", "number", "no folder", "not text", "latin name", "latin record"],
)
def test_damaged_metadata_of_a_distribution_fails_no_launch(library, run, file, content):
    damaged = library.folder / "damaged-1.0.dist-info"
    damaged.mkdir()
    (damaged / "METADATA").write_text("Name: damaged\nVersion: 1.0\n")
    (damaged / file).write_bytes(content)
    assert run(launches=1).environment["packages"]["helper"] == "1.0"


def test_an_old_egg_info_that_is_not_utf8_fails_no_launch(library, run):
    egg_info = library.folder / "old.egg-info"
    egg_info.mkdir()
    (egg_info / "PKG-INFO").write_bytes(b"Name: old\nVersion: 1.0\nAuthor: J\xfcrgen\n")
    assert run(launches=1).environment["packages"]["helper"] == "1.0"


def test_the_record_has_the_kernel_and_its_settings(library, run):
    environment = run(launches=1).environment
    assert environment["kernel"] == os.uname().release
    assert {"transparent_huge_pages", "libc", "python_build", "traingate"} <= set(environment)
    assert "traingate" not in environment["packages"]
    assert "TORCHINDUCTOR_CACHE_DIR" not in environment["variables"]
