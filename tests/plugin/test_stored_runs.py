"""Test comparisons with stored runs, and calibration, by training with torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from repositories import COMPILED, FAST, ONE_TEST, commit, record, slow_down


@pytest.mark.long
@pytest.mark.timed
def test_a_duet_decides_if_the_stored_launches_do_not_pass(committed):
    pytester = committed()
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    slow_down(pytester)
    commit()
    result = pytester.runpytest_subprocess(*FAST, "--benchmark-compare", "--benchmark-save=slow")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*REGRESSED: by the code:*", "*commit *, Python *", "*screened by 0001_base*"]
    )
    acceptance = pytester.run(
        Path(sys.executable).with_name("traingate"), "accept", "--reason=a larger model"
    )
    assert acceptance.ret == 0
    result = pytester.runpytest_subprocess(*FAST, "--benchmark-compare", "--traingate-tolerance=30")
    result.assert_outcomes(passed=1)


@pytest.mark.long
@pytest.mark.timed
def test_if_no_duet_can_be_measured_more_launches_are(committed):
    pytester = committed()
    models = pytester.path / "models.py"
    models.write_text(
        models.read_text().replace("SLOWER = 1.0", 'SLOWER = float(open("own").read())')
    )
    (pytester.path / "own").write_text("1.0")  # this file is in no commit
    commit()
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    models.write_text(f"{models.read_text()}\n# next")
    result = pytester.runpytest_subprocess(
        *FAST, "--traingate-launches=4", "--benchmark-compare", "--traingate-tolerance=0.5",
        "--benchmark-json=record.json",
    )  # fmt: skip
    assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    saved_record = record(pytester)
    assert 2 < len(saved_record["launches"]) <= 4
    assert saved_record["verdict"]["launches"] == len(saved_record["launches"])
    assert saved_record["verdict"]["method"] == "stored launches"
    *_, reason = saved_record["verdict"]["evidence"]
    assert reason.startswith("a duet against the baseline's commit could not be measured: ")
    assert "'own'" in reason


def depend_on_the_environment(pytester):
    """Commit a model that is slower if a variable is set."""
    models = pytester.path / "models.py"
    factor = '3.0 if os.environ.get("MALLOC_ARENA_MAX") == "7" else 1.0'
    text = models.read_text().replace("SLOWER = 1.0", f"SLOWER = {factor}")
    models.write_text(f"import os\n{text}")
    commit()


@pytest.mark.long
@pytest.mark.parametrize("code_is_slower", [False, True])
@pytest.mark.timed
def test_a_slowdown_by_the_environment_is_distinguished_from_one_by_the_code(
    committed, monkeypatch, code_is_slower
):
    """A shorter test of this is in process/test_environment."""
    pytester = committed()
    depend_on_the_environment(pytester)
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    if code_is_slower:
        models = pytester.path / "models.py"
        models.write_text(models.read_text().replace("SLOWER = 3.0", "SLOWER = 12.0"))
    result = pytester.runpytest_subprocess(*FAST, "--benchmark-compare")
    result.assert_outcomes(failed=1)
    cause = (
        "by the code, in another environment:"
        if code_is_slower
        else "by the environment, not by the code:"
    )
    result.stdout.fnmatch_lines(
        [f"*REGRESSED: {cause} *", "*throughput is*", "*MALLOC_ARENA_MAX: unset there, 7 here*"]
    )


@pytest.mark.long
@pytest.mark.timed
def test_a_baseline_of_another_cpu_is_settled_by_a_duet_with_its_commit(committed):
    pytester = committed()
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    (run,) = pytester.path.glob(".benchmarks/*/*.json")
    content = json.loads(run.read_text())
    content["benchmarks"][0]["extra_info"]["traingate"]["machine"]["cpu"] = "Other CPU"
    run.write_text(json.dumps(content))
    slow_down(pytester)
    result = pytester.runpytest_subprocess(
        *FAST, "--benchmark-compare", "--traingate-on-missing=record"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*REGRESSED: by the code:*", "*0001_base* is of another machine (CPU: Other CPU there, *"]
    )


def test_the_packages_that_training_imports_are_in_the_record(project):
    pytester = project(ONE_TEST)
    options = ("--traingate-launches=1", "--benchmark-json=record.json")
    pytester.runpytest_subprocess(*FAST, *options).assert_outcomes(passed=1)
    environment = record(pytester)["environment"]
    torch_version = environment["packages"]["torch"]
    assert environment["torch"].startswith(torch_version)
    assert "sympy" in {**environment["packages"], **environment["other_packages"]}
    assert "pytest" in environment["other_packages"]
    assert environment["package_sources"] == {}


@pytest.mark.long
def test_new_graph_breaks_fail_with_their_reasons_at_any_step_time(committed):
    pytester = committed(COMPILED)
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    file = pytester.path / "test_training.py"
    breaks = "x = x if x.sum() > -1e9 else -x\n        torch._dynamo.graph_break()"
    file.write_text(file.read_text().replace("# here", breaks))
    result = pytester.runpytest_subprocess(*FAST, "--benchmark-compare", "--traingate-tolerance=49")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*REGRESSED: 2 graph breaks, 0 before: *",
            "*test_training.py:13: Data-dependent branching*",
            "*test_training.py:14: Call to `torch._dynamo.graph_break()`*",
        ]
    )


@pytest.mark.long
@pytest.mark.timed
def test_calibration_prints_its_result(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(
        command, "calibrate", "test_training.py::test_mlp", "--pairs=4", "--slowdown=60", "--",
        *FAST, "--traingate-tolerance=10",
    )  # fmt: skip
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*compared with itself: 4 pairs (duet, step by step) scatter by*",
            "*slowed down by 60 %: REGRESSED at tolerance 10 % after 2 pairs*",
            "*tolerance*finds 99 of 100*",
        ]
    )


def test_calibration_of_a_test_that_is_no_benchmark_is_an_error(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(command, "calibrate", "test_training.py::test_other")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*was not measured*"])
