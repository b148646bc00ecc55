"""Test that a duet judges the total time: slow steps now and then, and waiting for data."""

from __future__ import annotations

import pytest
from workers import record_of

from sample_settings import settings
from traingate.comparison.against_base import AgainstBase
from traingate.controller.freezing import ProcessTree
from traingate.records import Method, Outcome
from traingate.report.progress import NoProgress
from traingate.report.verdict import explain

TOLERANCE = 10.0

PERIODIC = """
import itertools, time
from trainings import training

def model():
    steps = itertools.count(1)
    return training(lambda: time.sleep(0.01 + {extra} * (next(steps) % {period} == 0)))
"""

LOADING_THREAD = """
import queue, threading, time
from trainings import training
from traingate import TrainingSetup

class Samples:
    def __init__(self):
        self._batches = queue.Queue(maxsize=2)
        threading.Thread(target=self._load, daemon=True).start()

    def _load(self):
        while True:
            time.sleep({wait})
            sum(range(20_000))  # a thread that computes less than 0.1 ms for a batch is not noticed
            self._batches.put(None)

    def __len__(self):
        return 4000

    def __getitem__(self, index):
        if index % 4 == 0:
            self._batches.get()
        return index

def model():
    setup = training(lambda: time.sleep(0.01))
    return TrainingSetup(None, None, setup.optimizer, Samples(), 4, train_step=setup.train_step)
"""


@pytest.fixture
def verdict_of(project, base_sides):
    """``verdict_of(base, candidate)``: the verdict of a duet of two texts of the model's module."""

    def judge(base, candidate, **changes):
        project.model.write_text(base)
        project.commit()
        project.model.write_text(candidate)
        chosen = settings(against="HEAD", launches=4)
        job = project.job(**{"steps": 40, **changes})
        comparison = AgainstBase(chosen, TOLERANCE, job, base_sides)
        comparison.prepare()
        assert comparison.look(record_of([0.01]))
        return comparison.conclude(record_of([0.01]), NoProgress()).verdict

    return judge


@pytest.mark.parametrize(
    ("period", "words"),
    [
        pytest.param(5, "every fifth step", marks=pytest.mark.long),
        (20, "every 20th step"),
        pytest.param(2, "every second step", marks=pytest.mark.long),
    ],
)
@pytest.mark.timed
def test_slow_steps_now_and_then_are_a_slowdown_and_named(verdict_of, period, words):
    fast = PERIODIC.format(extra=0, period=period)
    verdict = verdict_of(fast, PERIODIC.format(extra=0.01 * period, period=period))
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.slowdown_percent == pytest.approx(50, abs=6)
    assert verdict.changed_steps == words
    assert f"most of it in {words}" in explain(verdict)


@pytest.mark.timed
def test_a_slower_thread_that_loads_data_is_a_slowdown_of_its_true_size(verdict_of):
    fast, slow = (LOADING_THREAD.format(wait=seconds) for seconds in (0.03, 0.06))
    verdict = verdict_of(fast, slow, steps=None)
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.slowdown_percent == pytest.approx(50, abs=6)


@pytest.mark.parametrize("fits_into_memory", [True, False])
def test_a_side_that_could_not_be_stopped_does_not_pass(verdict_of, monkeypatch, fits_into_memory):
    monkeypatch.setattr(ProcessTree, "freeze", lambda _: False)
    text = PERIODIC.format(extra=0, period=2)
    if not fits_into_memory:
        monkeypatch.setattr("traingate.controller.duet.available_bytes", lambda: 0)
    verdict = verdict_of(text, text + "# changed\n", steps=8)
    assert verdict.method is (Method.STEPS if fits_into_memory else Method.TURNS)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "could not be stopped" in " ".join(verdict.evidence)
