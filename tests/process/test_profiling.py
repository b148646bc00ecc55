"""Test that both sides are profiled after a change, and that a verdict stands without that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from workers import record_of

from sample_settings import settings
from traingate.comparison.against_base import AgainstBase
from traingate.controller.job import LaunchPlan, ProfilePlan
from traingate.controller.measure import measure
from traingate.controller.training_worker import TrainingWorker
from traingate.errors import WorkerError
from traingate.records import Outcome
from traingate.report.progress import NoProgress
from traingate.report.verdict import explain

TOLERANCE = 40.0

MODEL = """
import time
from trainings import training

def model():
    return training(slow_step)

def slow_step():
    time.sleep({seconds})
"""

SLOW_DATA = """
import time
from trainings import training
from traingate import TrainingSetup

class Samples:
    def __len__(self):
        return 400

    def __getitem__(self, index):
        time.sleep({seconds})
        return index

def model():
    setup = training(lambda: time.sleep(0.01))
    return TrainingSetup(None, None, setup.optimizer, Samples(), 4, train_step=setup.train_step)
"""


@pytest.fixture
def result_of(project, base_sides):
    """``result_of(base, candidate)``: the result of a duet of two texts of the model's module."""

    def judge(base, candidate, **changes):
        project.model.write_text(base)
        project.commit()
        project.model.write_text(candidate)
        job = project.job(project=project.folder, steps=20, **changes)
        comparison = AgainstBase(settings(against="HEAD", launches=4), TOLERANCE, job, base_sides)
        comparison.prepare()
        return comparison.conclude(record_of([0.01]), NoProgress())

    return judge


@pytest.mark.timed
def test_a_regression_is_explained_by_the_function_that_has_become_slower(result_of):
    result = result_of(MODEL.format(seconds=0.01), MODEL.format(seconds=0.04))
    verdict = result.verdict
    assert verdict.outcome is Outcome.REGRESSED
    first_line = explain(verdict).splitlines()[0]
    assert "slow_step at " in first_line
    assert "% of the slowdown" in first_line
    assert verdict.explanation.causes[0].share == pytest.approx(1.0, abs=0.1)
    phases = {phase.phase: phase.change for phase in verdict.explanation.phases}
    assert phases["forward"] == pytest.approx(0.03, rel=0.3)
    assert result.profiles.candidate.step_seconds > result.profiles.base.step_seconds


@pytest.mark.long
@pytest.mark.timed
def test_slower_data_is_named_with_the_function_that_loads_it(result_of):
    result = result_of(SLOW_DATA.format(seconds=0.001), SLOW_DATA.format(seconds=0.01))
    first_line = explain(result.verdict).splitlines()[0]
    assert "waiting for data, __getitem__ at " in first_line


@pytest.mark.timed
def test_unchanged_code_is_not_profiled_unless_traces_are_asked_for(result_of, tmp_path):
    text = MODEL.format(seconds=0.01)
    assert result_of(text, text + "# changed\n").profiles is None
    plan = ProfilePlan(1, details=True, folder=tmp_path)
    result = result_of(text + "# again\n", text + "# once more\n", profile=plan)
    assert result.verdict.explanation is None
    assert result.profiles is not None
    assert {path.name for path in tmp_path.iterdir()} == {
        "base.trace.json.gz",
        "candidate.trace.json.gz",
    }


@pytest.mark.timed
def test_a_verdict_stands_though_the_sides_cannot_be_profiled(result_of, monkeypatch):
    def fail(_worker, _plan):
        raise WorkerError("launch 3 was killed by signal 9 in its profiled steps")

    monkeypatch.setattr(TrainingWorker, "profile", fail)
    verdict = result_of(MODEL.format(seconds=0.01), MODEL.format(seconds=0.04)).verdict
    assert (verdict.outcome, verdict.explanation) == (Outcome.REGRESSED, None)
    assert any("could not be profiled: launch 3 was killed" in line for line in verdict.evidence)


def test_no_timed_step_is_profiled(project, tmp_path):
    job = project.job(launches=LaunchPlan(2, 2), steps=6)
    result = measure(replace(job, profile=ProfilePlan(3)), lambda _: True, NoProgress())
    assert [len(each.step_seconds) for each in result.measurement.launches] == [6, 6]
    assert result.profile.steps == 3
    assert result.measurement.profile.steps == 3
    assert measure(job, lambda _: True, NoProgress()).profile is None


def test_a_trace_replaces_a_link_and_has_the_steps_and_their_phases(project, tmp_path):
    import gzip

    folder, outside = tmp_path / "profiles", tmp_path / "outside"
    folder.mkdir()
    outside.write_text("precious")
    trace = folder / "candidate.trace.json.gz"
    trace.symlink_to(outside)
    job = replace(project.job(steps=2), profile=ProfilePlan(2, folder=folder))
    measure(job, lambda _: True, NoProgress())
    assert [*folder.iterdir()] == [trace]
    assert (outside.read_text(), trace.is_symlink()) == ("precious", False)
    content = gzip.decompress(trace.read_bytes())
    names = [event["name"] for event in json.loads(content)["traceEvents"]]
    assert names.count("traingate: step") == 2
    assert "traingate: end of phase data" in names
