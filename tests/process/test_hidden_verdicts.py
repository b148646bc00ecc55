"""Test that a run fails if a test hides its verdict, or if a test with a baseline is not compared."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET

import msgspec
import pytest
from workers import IMPORT_PATHS, TRAININGS, git, record_of, with_yardstick

from sample_records import save_run
from traingate.host.hardware import hardware

OPTIONS = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=2", "-rA")
COMPARE = (
    *OPTIONS,
    "--benchmark-compare",
    "--benchmark-storage=stored",
    "--traingate-tolerance=40",  # the yardstick may differ by three times as much
)
ONE_MEASURED = """
from trainings import sleeping

def test_sleeping(training_benchmark):
    training_benchmark(sleeping)
"""
FAST, SLOW = (1e-6,) * 4, (1.0,) * 4
"""Stored step times against which 10 ms are a regression, or a gain."""


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


def run(pytester, text=ONE_MEASURED, *arguments, options=COMPARE):
    """Run pytest on a file of these tests, next to the trainings."""
    pytester.makepyfile(trainings=TRAININGS.read_text(), test_speed=text)
    return pytester.runpytest_subprocess(*options, *arguments)


def line(result):
    """Return the counts of the last line of traingate."""
    (text,) = [line for line in result.outlines if " compared, " in line]
    return {name: int(count) for count, name in (part.split() for part in text[11:].split(", "))}


def assert_red(result, *patterns):
    assert result.ret == pytest.ExitCode.TESTS_FAILED, result.outlines
    output = "\n".join(result.outlines)
    for pattern in patterns:
        assert pattern in output


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


TWO = """
import pytest
from trainings import sleeping

def test_sleeping(training_benchmark):
    training_benchmark(sleeping)

def test_other():
    pass
"""
SECOND = "\ndef test_second(training_benchmark):\n    "


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("", "gone (0001_base.json"),
        (f"{SECOND}pytest.skip('no time')", "skipped: no time (0001_base.json"),
        (
            f"{SECOND}pass",
            "measured nothing: the test did not call training_benchmark, or did not end (0001_base.json",
        ),
        ("\ndef test_second():\n    pass", "gone (0001_base.json"),
        (
            f"\n@pytest.mark.xfail{SECOND}training_benchmark(1)",
            "skipped: expected to fail (0001_base.json",
        ),
    ],
    ids=["removed", "skipped", "never called", "without fixture", "hidden error"],
)
def test_a_test_that_has_a_baseline_and_was_not_compared_fails_unless_it_is_named(
    pytester, save, second, told
):
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, TWO + second)
    assert_red(
        result,
        "These tests have a baseline and were not compared:",
        f"  test_speed.py::test_second: {told}",
        "name them: --traingate-allow-missing='test_speed.py::test_second'",
    )
    counts = line(result)
    assert (counts["compared"], counts["passed"], counts["gone"] + counts["skipped"]) == (1, 1, 1)
    named = run(pytester, TWO + second, "--traingate-allow-missing=test_second")
    assert named.ret == 0
    assert line(named) == counts


def test_nine_of_ten_skipped_tests_fail_the_session(pytester, save):
    names = [f"test_speed.py::test_sleeping[{number}]" for number in range(10)]
    save(SLOW, *names)
    text = """
import pytest
from trainings import sleeping

@pytest.mark.parametrize("number", range(10))
def test_sleeping(training_benchmark, number):
    if number:
        pytest.skip("later")
    training_benchmark(sleeping)
"""
    result = run(pytester, text)
    assert_red(result, f"  {names[9]}: skipped: later")
    assert (line(result)["compared"], line(result)["skipped"]) == (1, 9)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-k", "other"), "no training benchmark was selected. Stored are:"),
        (("-k", "nothing"), "test_speed.py::test_sleeping: deselected (0001_base.json"),
        (("test_speed.py::test_other",), "test_speed.py::test_sleeping: deselected"),
        (("--benchmark-skip",), "none of 1 training benchmarks was compared:"),
    ],
)
def test_a_session_that_compares_nothing_fails_if_records_are_stored(
    pytester, save, arguments, told
):
    save(SLOW)
    result = run(pytester, TWO, *arguments)
    assert_red(result, told)
    assert line(result)["compared"] == 0


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        (TWO, ("-k", "other"), "test_speed.py::test_sleeping: deselected (0001_base.json"),
        ("def test_sleeping(): pass", (), "test_speed.py::test_sleeping: gone (0001_base.json"),
    ],
    ids=["deselected", "renamed"],
)
def test_a_session_that_compares_nothing_fails_if_the_records_are_of_another_machine(
    pytester, save, text, arguments, told
):
    save(SLOW, machine=msgspec.structs.replace(hardware(), cpu="Other CPU"))
    path = pytester.path / "stored" / "0001_base.json"
    clean = {"commit_info": {"id": "a" * 40, "dirty": False}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **clean}))
    result = run(pytester, text, *arguments)
    assert_red(result, "no training benchmark was selected. Stored are:", told)
    assert line(result)["compared"] == 0


def test_a_session_that_compares_nothing_fails_if_the_records_are_of_another_scale(pytester, save):
    save(SLOW, scale="quick")
    result = run(pytester, TWO, "-k", "other")
    assert_red(result, "test_speed.py::test_sleeping: deselected (0001_base.json")
    assert line(result)["deselected"] == 1


def test_a_session_that_may_lack_all_records_prints_its_counts(pytester, save):
    save(SLOW)
    path = pytester.path / "stored" / "0001_base.json"
    allowed = {"traingate": {"allowed_missing_tests": ["test_speed.py::test_sleeping"]}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **allowed}))
    result = run(pytester, "def test_other(): pass")
    assert result.ret == 0
    assert set(line(result).values()) == {0}


@pytest.mark.parametrize("arguments", [("-k", "sleeping"), ("test_speed.py::test_sleeping",)])
def test_tests_that_the_user_left_out_are_told_and_fail_nothing(pytester, save, arguments):
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, f"{TWO}{SECOND}training_benchmark(sleeping)", *arguments)
    assert result.ret == 0
    assert line(result) == {
        "compared": 1, "passed": 1, "regressed": 0, "open": 0, "new": 0, "gone": 0, "skipped": 0,
        "deselected": 1,
    }  # fmt: skip


def test_new_tests_are_recorded_beside_compared_ones_and_counted(pytester, save):
    save(SLOW)
    text = f"{TWO}{SECOND}training_benchmark(large_batches)".replace(
        "ng\n", "ng, large_batches\n", 1
    )
    result = run(pytester, text, "--traingate-on-missing=record")
    assert result.ret == 0
    assert (line(result)["compared"], line(result)["new"]) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--benchmark-storage=typo",), "none of 1 training benchmarks was compared:"),
        (("--benchmark-compare=0009",), "No saved run matches '0009' in stored"),
        ((), "--traingate-allow-missing does"),
    ],
    ids=["storage", "run", "batch size"],
)
def test_recording_what_is_missing_hides_no_mistake(pytester, save, arguments, told):
    save(SLOW, batch_size=99)
    result = run(pytester, ONE_MEASURED, "--traingate-on-missing=record", *arguments)
    assert result.ret != 0
    assert any(told in line for line in (*result.outlines, *result.errlines))


def test_a_test_that_is_gone_is_not_forgotten_by_the_next_saved_run(pytester, save):
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    assert_red(run(pytester, TWO, "--benchmark-save=lacking"), "test_second: gone")
    content = json.loads(next(pytester.path.glob("stored/*/*_lacking.json")).read_text())
    assert content["traingate"]["missing_tests"] == ["test_speed.py::test_second"]
    assert_red(run(pytester, TWO, "--benchmark-compare=*_lacking"), "test_second: gone")
    allow = "--traingate-allow-missing=test_second"
    accepted = run(
        pytester, TWO, "--benchmark-compare=*_lacking", allow, "--benchmark-save=allowed"
    )
    assert line(accepted)["gone"] == 1
    assert "have a baseline and were not compared" not in "\n".join(accepted.outlines)
    assert line(run(pytester, TWO))["gone"] == 0


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


def test_a_duet_session_counts_too_and_a_skipped_or_removed_test_is_not_green(pytester, save):
    text = f"{TWO}{SECOND}pytest.skip('no time')"
    run(pytester, f"{text}{SECOND.replace('second', 'third')}...", "--collect-only", options=())
    git(pytester.path, "init", "-q")
    git(pytester.path, "add", "-A")
    git(pytester.path, "commit", "-q", "-m", "first")
    duet = (
        *OPTIONS[:1],
        "--traingate-steps=2",
        "--traingate-launches=2",
        "--traingate-against=HEAD",
    )
    result = run(pytester, text, options=duet)
    assert_red(
        result,
        "  test_speed.py::test_second: skipped: no time (the base is HEAD)",
        "  test_speed.py::test_third: gone (the base is HEAD)",
    )
    counts = line(result)
    assert (counts["compared"], counts["gone"], counts["skipped"]) == (1, 1, 1)
    (pytester.path / "test_speed.py").unlink()
    result = pytester.runpytest_subprocess(*duet)
    assert_red(result, "A comparison was asked for, and no training benchmark was selected.")


DUET = (
    "--traingate-scale=smoke",
    "--traingate-steps=2",
    "--traingate-launches=2",
    "--traingate-against=HEAD",
    "--traingate-tolerance=40",
)


def commit(pytester, text):
    """Commit a project with these tests, without measuring them."""
    run(pytester, text, "--collect-only", options=())
    git(pytester.path, "init", "-q")
    git(pytester.path, "add", "-A")
    git(pytester.path, "commit", "-q", "-m", "first")


NEW = """
def new():
    return sleeping()

def test_new(training_benchmark):
    training_benchmark(new)
"""


def test_a_new_test_of_a_duet_passes_beside_a_compared_one_if_it_is_to_be_recorded(pytester, save):
    commit(pytester, ONE_MEASURED)
    text = f"{ONE_MEASURED}{NEW}"
    refused = run(pytester, text, options=DUET)
    assert_red(refused, "has no new in test_speed.py")
    assert "have a baseline and were not compared" not in "\n".join(refused.outlines)
    assert (line(refused)["compared"], line(refused)["new"], line(refused)["skipped"]) == (1, 1, 0)
    recorded = run(pytester, text, "--traingate-on-missing=record", options=DUET)
    assert recorded.ret == 0, recorded.outlines
    assert (line(recorded)["compared"], line(recorded)["new"]) == (1, 1)


def test_a_duet_of_new_tests_alone_compares_nothing(pytester, save):
    commit(pytester, "from trainings import sleeping")
    text = f"from trainings import sleeping\n{NEW}"
    result = run(pytester, text, "--traingate-on-missing=record", options=DUET)
    assert_red(result, "test_new: new", "measure them without a comparison")


def test_a_reference_that_moves_during_the_run_is_the_commit_that_was_measured(pytester, save):
    commit(pytester, f"{ONE_MEASURED}{SECOND}training_benchmark(sleeping)")
    moving = """
import subprocess

def test_that_commits():
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *identity, "commit", "-q", "-a", "-m", "second"], check=True)
"""
    result = run(pytester, f"{ONE_MEASURED}{moving}", options=DUET)
    assert git(pytester.path, "rev-list", "--count", "HEAD") == "2"
    assert_red(result, "  test_speed.py::test_second: gone (the base is HEAD)")
    assert (line(result)["compared"], line(result)["gone"]) == (1, 1)
