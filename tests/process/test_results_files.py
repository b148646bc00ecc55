"""Test the files that a session writes for people and tools."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest
from workers import Project, git

from traingate.records.results import SuiteResults

FAST = ("--traingate-scale=smoke", "--traingate-steps=4", "--traingate-launches=2")
MODELS = """
import time
from trainings import training

SECONDS = 0.01

def model(batch_size: int = 4):
    return training(lambda: time.sleep(SECONDS), batch_size)

def raising():
    raise RuntimeError("the data is not there")
"""
ONE_TEST = """
from models import model

def test_model(training_benchmark):
    training_benchmark(model)
"""


@pytest.fixture
def project(pytester, stand_in):
    """Return a function that writes these tests beside the models."""

    def write(tests: str):
        pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
        pytester.makepyfile(models=MODELS, test_training=tests)
        return pytester

    return write


@pytest.fixture
def committed(project):
    """A project under git with one test."""
    pytester = project(ONE_TEST)
    git(pytester.path, "init", "-q")
    Project(pytester.path).commit()
    return pytester


@pytest.fixture
def slower(committed):
    """A project whose working tree is slower than its commit."""
    models = committed.path / "models.py"
    models.write_text(models.read_text().replace("SECONDS = 0.01", "SECONDS = 0.04"))
    return committed


@pytest.fixture
def newest_run(pytester):
    """Return a function that returns the content of the newest run in the storage."""
    return lambda: json.loads(max(pytester.path.glob(".benchmarks/*/*.json")).read_text())


def test_a_regression_is_in_all_files_with_its_cause(slower, monkeypatch):
    summary = slower.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    options = ("--traingate-markdown=results.md", "--traingate-json=results.json")
    result = slower.runpytest_subprocess(*FAST, "--traingate-against=HEAD", *options)
    result.assert_outcomes(failed=1)
    tables = msgspec.json.decode((slower.path / "results.json").read_bytes(), type=SuiteResults)
    (test,) = tables.tests
    assert (tables.state, tables.counts["regressed"], test.failed) == ("failed", 1, True)
    assert test.sentence in result.stdout.str()
    options = "--traingate-scale=smoke --traingate-launches=2 --traingate-steps=4"
    assert test.command == f"pytest --traingate-against HEAD {options} test_training.py::test_model"
    page = (slower.path / "results.md").read_text()
    assert page == summary.read_text()
    assert page.startswith("## ❌ traingate: 1 of 1 training benchmark failed")
    assert f"{-test.verdict.slowdown_percent:+.1f} %" in page


def test_the_page_has_the_history_that_ends_with_the_session(committed, newest_run):
    pytester = committed
    storage = "--benchmark-save=run"
    pytester.runpytest_subprocess(*FAST, storage).assert_outcomes(passed=1)
    options = ("--benchmark-compare", "--traingate-html=report.html", storage)
    pytester.runpytest_subprocess(*FAST, *options).assert_outcomes(passed=1)
    page = (pytester.path / "report.html").read_text()
    assert "test_training.py::test_model" in page
    assert "this run" in page
    assert "0001_run.json" in page  # the baseline, in the verdict
    command = Path(sys.executable).with_name("traingate")
    assert pytester.run(command, "report", "-o", "saved.html").ret == 0
    assert "0002_run.json" in (pytester.path / "saved.html").read_text()
    compared = pytester.run(command, "compare", "0001", "0002", "--format=json")
    (by_command,) = msgspec.json.decode(compared.stdout.str(), type=SuiteResults).tests
    by_pytest = newest_run()["benchmarks"][0]["extra_info"]["traingate"]
    if by_pytest["verdict"]["method"] == "stored launches":
        assert json.loads(msgspec.json.encode(by_command.verdict)) == by_pytest["verdict"]
    table = pytester.run(command, "report", "0001")
    assert table.ret == 0
    table.stdout.fnmatch_lines(["*test_model*"])


def test_a_saved_run_has_what_other_tools_read(committed, newest_run):
    """Test the fields that the adapters of github-action-benchmark and bencher read."""
    pytester = committed
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=run").assert_outcomes(passed=1)
    (benchmark,) = newest_run()["benchmarks"]
    stats = benchmark["stats"]
    assert benchmark["fullname"] == "test_training.py::test_model"
    assert stats["ops"] == pytest.approx(1 / stats["mean"])
    assert min(stats["stddev"], stats["mean"], stats["rounds"], stats["median"]) > 0


CRASHING = """
from models import model, raising

def test_model(training_benchmark):
    training_benchmark(model)

def test_raising(training_benchmark):
    training_benchmark(raising)

def test_asserting(training_benchmark):
    training_benchmark(model)
    raise AssertionError
"""


def test_tests_that_fail_otherwise_are_in_the_files_too(project):
    pytester = project(CRASHING)
    options = ("--traingate-json=results.json", "--traingate-markdown=results.md")
    pytester.runpytest_subprocess(*FAST, *options).assert_outcomes(passed=1, failed=2)
    tables = msgspec.json.decode((pytester.path / "results.json").read_bytes(), type=SuiteResults)
    failed = {test.test: test for test in tables.tests if test.failed}
    assert tables.state == "failed"
    assert {*failed} == {f"test_training.py::test_{name}" for name in ("raising", "asserting")}
    assert failed["test_training.py::test_asserting"].samples_per_second
    page = (pytester.path / "results.md").read_text()
    assert page.startswith("## ❌ traingate: 2 of 3 training benchmarks failed")
    assert page.count("**failed**") == 2


def test_a_run_that_ended_early_has_not_passed(project):
    pytester = project(CRASHING)
    result = pytester.runpytest_subprocess(*FAST, "-x", "-k", "raising or asserting",
                                           "--traingate-json=results.json")  # fmt: skip
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    tables = msgspec.json.decode((pytester.path / "results.json").read_bytes(), type=SuiteResults)
    assert tables.state == "failed"
    assert "not all tests were measured" in tables.problems[0]


def test_what_cannot_be_written_fails_the_run(slower):
    result = slower.runpytest_subprocess(*FAST, "--traingate-json=missing/results.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ERROR: --traingate-json: *missing/results.json was not written*"])


def test_what_could_not_be_compared_is_in_the_files(committed):
    pytester = committed
    pytester.runpytest_subprocess(*FAST, "--benchmark-save=base").assert_outcomes(passed=1)
    file = pytester.path / "test_training.py"
    file.write_text(file.read_text().replace("(model)", "(model, batch_size=32)"))
    options = ("--benchmark-compare", "--traingate-json=results.json")
    pytester.runpytest_subprocess(*FAST, *options).assert_outcomes(failed=1)
    tables = msgspec.json.decode((pytester.path / "results.json").read_bytes(), type=SuiteResults)
    (test,) = tables.tests
    assert (tables.state, test.failed, test.verdict) == ("failed", True, None)
    assert test.sentence
