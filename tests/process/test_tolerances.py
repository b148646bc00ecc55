"""Test that each test is judged by its own tolerance, and by the last run that did not fail."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET

import pytest
from workers import IMPORT_PATHS, write

TESTS = """
    import pytest
    import time
    from trainings import training

    def model():
        return training(lambda: time.sleep({seconds}))

    def test_narrow(training_benchmark):
        training_benchmark(model)

    @pytest.mark.traingate(tolerance=45)
    def test_tolerant(training_benchmark):
        training_benchmark(model)
    """


@pytest.fixture
def run(pytester, stand_in, temporary, monkeypatch):
    """Return a function that runs pytest with a model of so many seconds per step."""
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(IMPORT_PATHS))

    def pytest_run(seconds, *options):
        write(pytester.path / "test_model.py", TESTS.format(seconds=seconds))
        return pytester.runpytest_subprocess(
            "--traingate-scale=smoke", "--traingate-launches=3", "--traingate-steps=10", *options
        )

    return pytest_run


def test_a_slower_model_fails_only_the_test_with_the_narrow_tolerance(run, pytester):
    run(0.02, "--benchmark-save=base").assert_outcomes(passed=2)
    result = run(0.035, "--benchmark-compare", "--benchmark-save=bad", "--junitxml=junit.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "  throughput is * % lower than the baseline's (95 % interval *",
            "  baseline  * samples/s in 3 launches, 0001_base.json*",
            "  now       * samples/s in * launches",
            "  tolerance 5 %",
            "  If the slowdown is intended: against a commit, say so in the test's marker*",
        ]
    )
    cases = {
        case.get("name"): case for case in ET.parse(pytester.path / "junit.xml").iter("testcase")
    }
    assert "REGRESSED: " in cases["test_narrow"].find("failure").get("message")
    assert cases["test_tolerant"].find("failure") is None
    # The regressed run was saved, but is no baseline; the older run still is.
    second_result = run(0.035, "--benchmark-compare", "-k", "test_narrow")
    second_result.assert_outcomes(failed=1)
    second_result.stdout.fnmatch_lines(["*0001_base.json*"])
