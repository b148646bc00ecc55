"""Test that a run fails if a test hides its verdict, and that it counts each verdict."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from comparing_runs import (
    FAST,
    ONE_MEASURED,
    OPTIONS,
    SECOND,
    SLOW,
    TWO,
    assert_red,
    line,
    run,
)

HIDING = {
    "except": """
def test_sleeping(training_benchmark):
    try:
        training_benchmark(sleeping)
    except BaseException:
        pass
""",
    "thread": """
def test_sleeping(training_benchmark):
    thread = threading.Thread(target=lambda: training_benchmark(sleeping))
    thread.start()
    thread.join()
""",
    "xfail": """
@pytest.mark.xfail(strict=False)
def test_sleeping(training_benchmark):
    training_benchmark(sleeping)
""",
    "skip in finally": """
def test_sleeping(training_benchmark):
    try:
        training_benchmark(sleeping)
    finally:
        pytest.skip("not today")
""",
    "exit": """
def test_sleeping(training_benchmark):
    try:
        training_benchmark(sleeping)
    finally:
        pytest.exit("enough", returncode=0)
""",
}


@pytest.mark.parametrize("kind", HIDING)
def test_a_regression_that_its_test_hides_fails_the_session_and_is_named(pytester, save, kind):
    save(FAST)
    text = f"import pytest, threading\nfrom trainings import sleeping\n{HIDING[kind]}"
    result = run(pytester, text, "--junitxml=junit.xml")
    assert_red(
        result,
        "ERROR: test_speed.py::test_sleeping was not reported as failed, but its comparison failed:",
        "REGRESSED: in another environment: throughput is ",
    )
    counts = line(result)
    assert (counts["compared"], counts["passed"], counts["regressed"]) == (1, 0, 1)
    suite = ET.parse(pytester.path / "junit.xml").getroot().find("testsuite")
    properties = {item.get("name"): item.get("value") for item in suite.find("properties")}
    assert properties == {f"traingate_{name}": str(count) for name, count in counts.items()}


def test_a_regression_stays_one_if_its_test_is_run_again(pytester, save):
    pytest.importorskip("pytest_rerunfailures")
    save((0.01,) * 4)
    text = """
from pathlib import Path
from trainings import training
import time

def sleeping():
    first = not Path("again").exists()
    return training(lambda: time.sleep(0.5 if first else 0.0001))

def test_sleeping(training_benchmark):
    try:
        training_benchmark(sleeping)
    finally:
        Path("again").touch()
"""
    save((0.01,) * 4, workload="test_speed.py::sleeping")
    result = run(pytester, text, "--reruns=1", "--benchmark-save=again")
    result.assert_outcomes(passed=1)
    assert_red(
        result,
        "test_speed.py::test_sleeping was not reported as failed, but its comparison failed:",
    )
    assert (line(result)["compared"], line(result)["regressed"]) == (1, 1)
    second_result = run(pytester, text)
    assert "0001_base.json" in "\n".join(second_result.outlines)


def test_a_broken_limit_that_its_test_hides_fails_a_run_without_a_comparison(pytester, save):
    text = """
import pytest
from trainings import sleeping

@pytest.mark.xfail(strict=False)
@pytest.mark.traingate(min_samples_per_second=1e9)
def test_sleeping(training_benchmark):
    training_benchmark(sleeping)
"""
    result = run(pytester, text, options=OPTIONS)
    assert_red(
        result,
        "test_speed.py::test_sleeping was not reported as failed, but its comparison failed:\nFAILED: ",
    )
    assert not any(" compared, " in line for line in result.outlines)


def test_a_missing_baseline_that_its_test_hides_fails_the_session(pytester, save):
    save(SLOW, "test_speed.py::test_other", workload="trainings.py::other")
    text = f"import pytest\n{ONE_MEASURED}".replace("def test", "@pytest.mark.xfail\ndef test")
    assert_red(
        run(pytester, text),
        "test_sleeping was not reported as failed, but its comparison failed:\nNo stored run has",
    )


def test_an_open_verdict_is_counted_and_passes(pytester, save):
    save((1e-6, 1e-3, 1.0, 1e3))
    result = run(pytester)
    assert result.ret == 0
    assert (line(result)["compared"], line(result)["open"]) == (1, 1)


def test_without_a_summary_the_counts_and_the_errors_are_printed_all_the_same(pytester, save):
    save(SLOW)
    result = run(pytester, TWO, "--no-summary", "-k", "other")
    assert_red(result, "ERROR: A comparison was asked for")
    assert line(result)["deselected"] == 1


def test_a_session_that_stops_at_a_failure_does_not_tell_of_the_rest(pytester, save):
    save(FAST, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, f"{TWO}{SECOND}training_benchmark(sleeping)", "-x")
    assert_red(result)
    assert "ERROR: " not in "\n".join(result.outlines)
    assert (line(result)["regressed"], line(result)["skipped"]) == (1, 1)
