"""traingate beside other plugins, other options and other ways to run pytest.

The workers have the stand-in for torch.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from workers import TRAININGS

from long_cases import some_long

pytestmark = pytest.mark.usefixtures("stand_in")

FAST = ("--traingate-launches=1", "--traingate-steps=4")

ONE_TEST = """
    from trainings import sleeping

    def test_sleeping(training_benchmark):
        assert len(training_benchmark(sleeping).launches) == 1
    """

PLAIN_TEST = "def test_plain(): pass"


@pytest.fixture
def run(pytester, temporary, monkeypatch):
    """``run(tests, *options)``: the result of pytest in a process of its own."""
    monkeypatch.setenv("TMPDIR", str(temporary))
    inherited = os.environ["PYTHONPATH"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TRAININGS.parent), inherited]))

    def pytest_run(tests, *options):
        pytester.makepyfile(test_training=tests)
        return pytester.runpytest_subprocess(*FAST, *options)

    return pytest_run


@pytest.mark.parametrize(
    "options",
    some_long(
        [
            ("-p", "no:cacheprovider"),
            ("-p", "no:terminal"),
            ("-p", "no:logging", "-p", "no:warnings"),
            ("-s",),
            ("--capture=sys",),
            ("-p", "no:xdist"),
            ("--import-mode=importlib",),
            ("-W", "error"),
            ("--strict-markers", "--strict-config"),
            ("-qq",),
        ],
        short=[("-p", "no:terminal"), ("--import-mode=importlib",), ("-W", "error")],
    ),
    ids=" ".join,
)
def test_a_benchmark_is_measured_with(run, options):
    result = run(ONE_TEST, *options, "--junitxml=report.xml", "--benchmark-json=run.json")
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    (benchmark,) = json.loads(Path("run.json").read_text())["benchmarks"]
    assert len(benchmark["extra_info"]["traingate"]["launches"]) == 1


def test_without_pytest_benchmark_only_tests_that_record_with_it_fail(run):
    tests = f"{ONE_TEST}\n    {PLAIN_TEST}\n"
    result = run(tests, "-p", "no:benchmark", "--strict-markers")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["training_benchmark records its steps with pytest-benchmark, *"])
    result.stdout.no_fnmatch_line("*Traceback*")


CODSPEED = ("-p", "codspeed")


def test_under_codspeed_a_benchmark_takes_a_step_and_reports_no_time(run, pytester):
    pytest.importorskip("pytest_codspeed")
    tests = """
        from trainings import sleeping

        def test_sleeping(training_benchmark):
            assert len(training_benchmark(sleeping).step_seconds) == 1

        def test_other(benchmark):
            benchmark(sum, [1, 2])
        """
    result = run(tests, *CODSPEED, "--codspeed", "--codspeed-max-time=0.1")
    result.assert_outcomes(passed=2)
    (file,) = pytester.path.glob(".codspeed/results_*.json")
    names = [benchmark["name"] for benchmark in json.loads(file.read_text())["benchmarks"]]
    assert names == ["test_other"]


def test_a_comparison_under_codspeed_is_an_error(run):
    pytest.importorskip("pytest_codspeed")
    result = run(ONE_TEST, *CODSPEED, "--codspeed", "--benchmark-compare")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--benchmark-compare compares nothing under CodSpeed*"])


def test_codspeed_that_is_installed_and_not_asked_for_changes_nothing(run):
    pytest.importorskip("pytest_codspeed")
    result = run(ONE_TEST, *CODSPEED, "--benchmark-json=run.json")
    result.assert_outcomes(passed=1)
    assert len(json.loads(Path("run.json").read_text())["benchmarks"]) == 1


TWICE = """
import sys, warnings, pytest
before = list(warnings.filters)
statuses = [pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]) for _ in range(2)]
assert statuses == [0, 0], statuses
assert list(warnings.filters) == before
"""


def test_pytest_runs_twice_in_one_process_and_leaves_its_filters_of_warnings(run, pytester):
    pytester.makepyfile(test_training=ONE_TEST, twice=TWICE)
    process = pytester.run(sys.executable, "twice.py", *FAST, "test_training.py")
    assert process.ret == 0, process.stderr.str()


@pytest.mark.parametrize(
    ("table", "steps", "names"),
    [
        ("tool.pytest", "3", '["ipex", "xla"]'),
        ("tool.pytest", '"3"', '["ipex", "xla"]'),
        ("tool.pytest.ini_options", '"3"', '"ipex, xla"'),
    ],
)
@pytest.mark.skipif(pytest.version_tuple < (9, 0), reason="[tool.pytest] is new in pytest 9")
def test_keys_have_native_types_in_toml(run, pytester, table, steps, names):
    number = "7.5" if table == "tool.pytest" else '"7.5%"'
    pytester.makepyprojecttoml(
        f"[{table}]\ntraingate_steps = {steps}\ntraingate_tolerance = {number}\n"
        f"traingate_require = {names}\n"
    )
    pytester.makeconftest(
        "def pytest_report_header(config):\n"
        "    from traingate.options import parse\n"
        "    settings = parse(config)\n"
        "    return f'parsed {settings.steps} {settings.tolerance} {sorted(settings.require)}'\n"
    )
    pytester.makepyfile(test_plain=PLAIN_TEST)
    result = pytester.runpytest_subprocess("test_plain.py")
    result.stdout.fnmatch_lines(["parsed 3 7.5 [[]'ipex', 'xla'[]]"])


@pytest.mark.skipif(pytest.version_tuple < (9, 2), reason="unions of types are new in pytest 9.2")
@pytest.mark.parametrize("value", some_long(["0", "true", "[3]"], short=["true"]))
def test_a_toml_value_of_another_type_is_refused_without_a_traceback(run, pytester, value):
    pytester.makepyprojecttoml(f"[tool.pytest]\ntraingate_steps = {value}\n")
    result = pytester.runpytest_subprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stdout.str() + result.stderr.str()
    assert "traingate_steps" in output
    assert "Traceback" not in output


def test_markers_of_module_class_and_function_are_merged(run):
    tests = """
        import pytest
        from trainings import sleeping

        pytestmark = pytest.mark.traingate(max_first_step_seconds=1e-9)

        @pytest.mark.traingate(min_samples_per_second=1e9)
        class TestGroup:
            @pytest.mark.traingate(tolerance=10)
            def test_all(self, training_benchmark):
                training_benchmark(sleeping)

            @pytest.mark.traingate(min_samples_per_second=None, max_first_step_seconds=60)
            def test_none(self, training_benchmark):
                training_benchmark(sleeping)
        """
    result = run(tests)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["FAILED: * samples/s, and the marker asks for at least 1e+09; first step took *"]
    )


PRINTING = """
    import pytest
    from trainings import printing

    def test_passing(training_benchmark):
        training_benchmark(printing)

    @pytest.mark.traingate(min_samples_per_second=1e9)
    def test_failing(training_benchmark):
        training_benchmark(printing)
    """


def test_a_log_without_a_terminal_shows_each_test_when_it_starts(run):
    result = run(PRINTING)
    lines = [line for line in result.outlines if line.startswith("traingate: measuring")]
    assert lines == [
        "traingate: measuring test_training.py::test_passing",
        "traingate: measuring test_training.py::test_failing",
    ]
    assert not [line for line in run(PRINTING, "-q").outlines if "measuring" in line]


def test_what_workers_print_is_shown_with_the_failure(run):
    result = run(PRINTING)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*Captured stdout call*", "[[]printed by launch 1[]]", "a print of the workload"]
    )
    assert result.outlines.count("a print of the workload") == 1


def test_what_workers_print_is_shown_at_once_without_capture(run):
    result = run(PRINTING, "-s")
    assert result.outlines.count("[printed by launch 1]") == 2
    assert "a print of the workload" in result.outlines
    assert sum("UserWarning: a warning of the workload" in line for line in result.outlines) == 2
