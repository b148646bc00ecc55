"""Test runs beside other plugins, and with options of pytest that change how tests are run."""

from __future__ import annotations

import json

import pytest
from session_sites import FAST, MODELS, SLOW, SMOKE, STORED, TESTS, site

from long_cases import some_long

MIXED = f"""{TESTS}
def test_other():
    pass

def test_ordinary(benchmark):
    benchmark.pedantic(lambda: None)
"""

TWO = f"""{MIXED}
def test_second(training_benchmark):
    training_benchmark(model)
"""

HANGING = MODELS.replace("time.sleep(0.005)", "time.sleep(600)") + MODELS.replace(
    "def model", "def fast"
)
HANGING_TESTS = """
import pytest
from models import fast, model

@pytest.mark.timeout(3)
def test_model(training_benchmark):
    training_benchmark(model)

def test_fast(training_benchmark):
    training_benchmark(fast)
"""


@pytest.fixture
def project():
    with site() as made:
        made.store()
        made.write("test_speed.py", MIXED)
        yield made
        assert made.leftovers() == []


@pytest.fixture
def two(project):
    project.store(SLOW, "test_speed.py::test_model", "test_speed.py::test_second")
    project.write("test_speed.py", TWO)
    return project


@pytest.fixture
def hanging(project):
    project.write("models.py", HANGING)
    project.write("test_speed.py", HANGING_TESTS)
    return project


def test_a_time_out_by_a_signal_fails_the_test_and_the_next_is_measured(hanging):
    ended = hanging.run(*SMOKE, "-rA")
    assert ended.status == 1
    assert "FAILED test_speed.py::test_model - Failed: Timeout" in ended.output
    assert "PASSED test_speed.py::test_fast" in ended.output
    assert hanging.leftovers(0) == []


def test_a_time_out_by_a_thread_ends_the_run_at_once(hanging):
    ended = hanging.run(*STORED, "--timeout=2", "--timeout-method=thread")
    assert ended.status == 1
    assert "Timeout" in ended.output
    assert hanging.leftovers() == []


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_order_of_tests_changes_nothing(two, seed):
    ended = two.run(*STORED, "-p", "randomly", f"--randomly-seed={seed}")
    assert ended.status == 0, ended.output
    assert f"--randomly-seed={seed}" in ended.output
    assert (ended.counts["compared"], ended.counts["passed"]) == (2, 2)


def test_a_test_that_fails_after_measuring_is_red_and_its_rerun_measures_again(project):
    project.write(
        "test_speed.py",
        """
from pathlib import Path
from models import model

def test_model(training_benchmark):
    training_benchmark(model)
    again = Path("again")
    again.touch() if not again.exists() else again.unlink()
    assert not again.exists()
""",
    )
    project.store()
    failed = project.run(*STORED)
    assert failed.status == 1
    assert (failed.counts["compared"], failed.counts["passed"]) == (1, 1)
    (project.folder / "again").unlink()
    rerun = project.run(*STORED, "--reruns=1")
    assert rerun.status == 0, rerun.output
    assert " 1 passed, " in rerun.output
    assert " 1 rerun in " in rerun.output  # on a busy machine, there is a warning between
    assert rerun.counts["compared"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "benchmark(lambda: 1)\n    training_benchmark(model)",
            "benchmark was called in a test that requests training_benchmark",
        ),
        ("training_benchmark(model)\n    benchmark(lambda: 1)", "FixtureAlreadyUsed"),
    ],
    ids=["before", "after"],
)
def test_one_test_cannot_be_an_ordinary_benchmark_too(project, text, message):
    project.write(
        "test_speed.py",
        f"from models import model\n\ndef test_model(benchmark, training_benchmark):\n    {text}\n",
    )
    ended = project.run(*SMOKE)
    assert ended.status == 1
    assert message in ended.output


@pytest.mark.parametrize(
    "options",
    some_long(
        [
            ("-n0", "--benchmark-only"), ("--dist=no", "--no-summary"), ("-W", "error", "-x"),
            ("--maxfail=1", "--timeout=60", "--reruns=2"), ("-p", "no:cacheprovider", "--setup-show"),
            ("--ff",), ("--lf", "--durations=3"), ("--sw",), ("--benchmark-disable", "--benchmark-enable"),
        ],
        short=[("-n0", "--benchmark-only"), ("-W", "error", "-x"), ("--maxfail=1", "--timeout=60", "--reruns=2"), ("--lf", "--durations=3")],
    ),
    ids=" ".join,
)  # fmt: skip
def test_options_that_do_not_hinder_a_comparison(project, options):
    # A module that is imported late may warn, which a forked run would have imported before.
    ended = project.run(*STORED, *options, is_forked="error" not in options)
    assert ended.status == 0, ended.output
    assert (ended.counts["compared"], ended.counts["passed"]) == (1, 1)
    if "--no-summary" not in options or pytest.version_tuple >= (9,):  # pytest 8 leaves out tables
        assert "test_ordinary" in ended.output
    assert project.leftovers(0) == []


@pytest.mark.parametrize(
    "options",
    [
        ("-p", "no:terminal"),
        ("-qqq",),
        pytest.param(("-p", "no:logging"), marks=pytest.mark.long),
    ],
)
def test_the_results_are_written_however_little_is_printed(project, options):
    ended = project.run(*STORED, *options, "--traingate-json=results.json")
    assert ended.status == 0, ended.output
    results = json.loads((project.folder / "results.json").read_text())
    assert (results["state"], results["counts"]["compared"]) == ("passed", 1)
    assert project.leftovers(0) == []


@pytest.mark.parametrize("options", [("-x",), ("--maxfail=1",), ("--sw",)], ids=" ".join)
def test_a_run_that_stops_at_a_failure_measures_no_more(two, options):
    two.store(FAST, "test_speed.py::test_model", "test_speed.py::test_second")
    ended = two.run(*STORED, *options)
    assert ended.status in {1, 2}
    assert (ended.counts["regressed"], ended.counts["skipped"]) == (1, 1)
    assert two.leftovers(0) == []


@pytest.mark.parametrize(
    "options",
    some_long(
        [
            ("-n2",), ("-n2", "--dist=no"), ("--benchmark-disable",), ("--benchmark-skip",),
            ("--collect-only",), ("--setup-only",), ("--setup-plan",),
        ],
        short=[("-n2",), ("--benchmark-disable",), ("--benchmark-skip",), ("--collect-only",)],
    ),
    ids=" ".join,
)  # fmt: skip
def test_what_measures_nothing_is_green_where_nothing_is_to_be_compared(project, options):
    ended = project.run(*SMOKE, *options)
    assert ended.status == 0, ended.output
    assert project.leftovers(0) == []


COUNTED = """
from pathlib import Path
from trainings import training

def model():
    def step():
        with Path(__file__).with_name("steps").open("a") as file:
            file.write("step ")

    return training(step)
"""


@pytest.mark.parametrize("options", [("-n2",), ("--benchmark-disable",)])
def test_a_test_that_cannot_be_measured_takes_one_step_after_its_warm_up(project, options):
    project.write("models.py", COUNTED)
    steps = project.folder / "steps"
    ended = project.run(*SMOKE, *options)
    assert ended.status == 0, ended.output
    assert steps.read_text().split() == ["step"] * 3  # its first one, one to warm up, and the last


def test_forked_tests_take_one_step_and_leave_nothing(project):
    project.write("models.py", COUNTED)
    ended = project.run(*SMOKE, "--forked")
    assert "collected 3 items" in ended.output
    assert (project.folder / "steps").read_text().split() == ["step"] * 3
    # Its newest version cannot report a test of pytest 9.2: ordinary ones fail as ours does.
    failures = sum(
        line.startswith("/") and line.endswith("running the test EXITED with status 3")
        for line in ended.output.splitlines()
    )
    if pytest.version_tuple < (9, 2) or not failures:
        assert ended.status == 0, ended.output
    else:
        assert (ended.status, failures) == (1, 3), ended.output
    assert project.leftovers() == []


def test_an_editor_that_lists_the_tests_of_a_project_that_always_compares_is_not_refused(project):
    project.write(
        "pytest.ini", "[pytest]\ntraingate_against = HEAD\naddopts = --benchmark-sort=name\n"
    )
    listed = project.run("--collect-only", "-q")
    assert listed.status == 0
    assert "test_speed.py::test_model" in listed.output
    refused = project.run("--collect-only", "-q", "--traingate-against=HEAD")
    assert refused.status == 1
    assert "this run ended before its tests had" in refused.output
    project.write("pytest.ini", "[pytest]\ntraingate_against = HEAD\naddopts = --collect-only\n")
    hidden = project.run("-q")
    assert hidden.status == 1
    assert "this run ended before its tests had" in hidden.output


def test_all_these_plugins_together(project):
    project.commit()
    plugins = ("-p", "randomly", "--reruns=1", "--timeout=60", "-W", "error", "--no-summary")
    ended = project.run(*STORED, *plugins, is_forked=False)
    assert ended.status == 0, ended.output
    assert ended.counts["compared"] == 1
    assert project.leftovers(0) == []
