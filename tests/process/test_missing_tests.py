"""Test that a run fails if a test with a baseline is not compared, unless the user left it out."""

from __future__ import annotations

import json

import msgspec
import pytest
from comparing_runs import (
    ONE_MEASURED,
    OPTIONS,
    SECOND,
    SLOW,
    TWO,
    assert_red,
    line,
    run,
)
from workers import git

from traingate.host.hardware import hardware


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
def test_a_test_that_has_a_baseline_and_was_not_compared_fails_and_is_named(
    pytester, save, second, told
):
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, TWO + second)
    assert_red(
        result,
        "These tests have a baseline and were not compared:",
        f"  test_speed.py::test_second: {told}",
        "name them: --traingate-allow-missing=test_speed.py::test_second",
    )
    counts = line(result)
    assert (counts["compared"], counts["passed"], counts["gone"] + counts["skipped"]) == (1, 1, 1)


@pytest.mark.parametrize(
    "second",
    [
        "",
        f"{SECOND}pytest.skip('no time')",
        pytest.param(f"{SECOND}pass", marks=pytest.mark.long),
        pytest.param("\ndef test_second():\n    pass", marks=pytest.mark.long),
        pytest.param(f"\n@pytest.mark.xfail{SECOND}training_benchmark(1)", marks=pytest.mark.long),
    ],
    ids=["removed", "skipped", "never called", "without fixture", "hidden error"],
)
def test_a_test_that_is_named_may_be_missing_and_is_counted(pytester, save, second):
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, TWO + second, "--traingate-allow-missing=test_second")
    assert result.ret == 0
    counts = line(result)
    assert (counts["compared"], counts["passed"], counts["gone"] + counts["skipped"]) == (1, 1, 1)


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


def test_last_failed_excuses_no_removed_test_where_it_leaves_out_none(pytester, save):
    """It runs all tests if none has failed before."""
    pytester.makeini("[pytest]\n")  # with the cache
    save(SLOW, "test_speed.py::test_sleeping", "test_speed.py::test_second")
    result = run(pytester, ONE_MEASURED, "--lf")
    assert_red(result, "  test_speed.py::test_second: gone (0001_base.json")
    failing = f"{TWO}{SECOND}training_benchmark(sleeping)\n\ndef test_third():\n    assert False"
    run(pytester, failing, "-k", "third")
    counts = line(run(pytester, failing, "--lf"))
    assert (counts["gone"], counts["deselected"]) == (0, 2)


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
        (("--benchmark-compare=0009",), "No saved run matches '0009' in /"),
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
