"""A calibration: one benchmark compared with itself, in a pytest run of its own."""

from __future__ import annotations

import sys

import pytest

from traingate.calibrate import calibrate
from traingate.gate.power import TOLERANCES
from traingate.records import Method, Outcome

BENCHMARKS = """
from pathlib import Path
from trainings import sleeping

def test_no_benchmark():
    Path("selected").touch()

def test_first(training_benchmark):
    training_benchmark(sleeping)

def test_second(training_benchmark):
    Path("selected").touch()
"""

OPTIONS = (
    "--traingate-scale=smoke", "--traingate-launches=2", "--traingate-steps=4",
    "--traingate-tolerance=30",
)  # fmt: skip


@pytest.fixture
def run(stand_in, temporary, monkeypatch):
    """``run(tests, slowdowns)``: the calibration of the first benchmark in a file of these tests."""
    monkeypatch.chdir(temporary)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (temporary / "pytest.ini").write_text("[pytest]\n")

    def calibrated(tests, slowdowns=()):
        (temporary / "test_calibrated.py").write_text(tests)
        return calibrate("test_calibrated.py", 2, slowdowns, OPTIONS)[0]

    yield calibrated
    sys.modules.pop("test_calibrated", None)


@pytest.mark.timed
def test_the_first_benchmark_alone_is_compared_with_itself_and_with_a_slowdown(run, temporary):
    calibration = run(BENCHMARKS, [60.0])
    assert calibration.test == "test_calibrated.py::test_first"
    assert (calibration.method, calibration.pairs) == (Method.STEPS, 2)
    low, high = calibration.change_percent_interval
    assert low < calibration.change_percent < high
    assert not (temporary / "selected").exists()
    assert calibration.max_pairs == 2
    (trial,) = calibration.trials
    assert (trial.slowdown_percent, trial.verdict.outcome) == (60.0, Outcome.REGRESSED)
    assert trial.verdict.launches == 2
    assert [resolution.tolerance for resolution in calibration.resolutions] == list(TOLERANCES)


def test_without_any_benchmark_there_is_no_calibration(run):
    assert run("def test_other(): pass\n") is None
