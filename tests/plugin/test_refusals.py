"""Test that a requested comparison that compares nothing fails, with a remedy in its message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
    from models import mlp

    def test_mlp(training_benchmark):
        training_benchmark(mlp)

    def test_mlp_channels_last(training_benchmark, channels_last):
        training_benchmark(mlp)
    """


def assert_refused(result: pytest.RunResult, *patterns: str) -> None:
    """Check that pytest failed without a traceback, and printed each pattern in one line."""
    assert result.ret != 0
    result.stdout.no_fnmatch_line("*Traceback*")
    output = result.outlines + result.errlines
    for pattern in patterns:
        # The lines of pytest's summary, which start with FAILED, may repeat the message.
        lines = [line for line in output if pattern in line and not line.startswith("FAILED")]
        assert len(lines) == 1, output


def save(pytester, **changes):
    """Save a run with one record, with *changes* to its fields."""
    from sample_records import measurement
    from simulated_launches import launch
    from traingate.records import to_json

    record = to_json(measurement([launch([0.1] * 5)], **changes))
    folder = pytester.path / ".benchmarks" / "Linux-CPython-3.11-64bit"
    folder.mkdir(parents=True, exist_ok=True)
    run = {
        "machine_info": {}, "commit_info": {}, "datetime": "", "version": "5.3.1",
        "benchmarks": [{"fullname": "x", "name": "x", "stats": {}, "extra_info": {"traingate": record}}],
    }  # fmt: skip
    path = folder / "0001_base.json"
    path.write_text(json.dumps(run))
    return path


def test_an_empty_storage_is_an_error(pytester, project):
    result = project(TESTS).runpytest_subprocess("--benchmark-compare")
    storage = pytester.path / ".benchmarks"
    assert_refused(result, f"ERROR: No saved run in {storage}. Save a baseline")


def test_a_truncated_file_is_an_error(project):
    pytester = project(TESTS)
    path = save(pytester)
    path.write_text(path.read_text()[:-200])
    result = pytester.runpytest_subprocess("--benchmark-compare")
    assert_refused(result, "0001_base.json is damaged: Input data was truncated")


def test_baselines_of_another_machine_are_an_error(project):
    pytester = project(TESTS)
    save(pytester)
    result = pytester.runpytest_subprocess("--benchmark-compare")
    assert_refused(
        result, "ERROR: All saved runs are of another machine (CPU: Test CPU (6/207/2) there, "
    )


def test_a_test_that_is_not_in_the_baseline_fails(project):
    from traingate.host.hardware import hardware

    pytester = project(TESTS)
    save(pytester, machine=hardware())
    result = pytester.runpytest_subprocess("--benchmark-compare")
    result.assert_outcomes(failed=2)
    assert_refused(
        result, "No stored run has models.py::mlp with stack plain at scale quick. Save a baseline"
    )


def test_a_comparison_under_xdist_is_an_error(project):
    pytest.importorskip("xdist")
    result = project(TESTS).runpytest_subprocess("--benchmark-compare", "-n2")
    assert_refused(result, "--benchmark-compare compares nothing under xdist")


def test_a_comparison_with_disabled_benchmarks_is_an_error(project):
    result = project(TESTS).runpytest_subprocess("--benchmark-compare", "--benchmark-disable")
    assert_refused(
        result, "--benchmark-compare compares nothing while --benchmark-disable is given"
    )


def test_a_comparison_with_all_benchmarks_skipped_is_an_error(project):
    pytester = project(TESTS)
    from traingate.host.hardware import hardware

    save(pytester, machine=hardware())
    result = pytester.runpytest_subprocess("--benchmark-compare", "--benchmark-skip")
    assert_refused(result, "none of 2 training benchmarks was compared:")


def test_with_warnings_as_errors_there_is_still_no_traceback(project):
    pytester = project(TESTS)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    assert_refused(pytester.runpytest_subprocess("--benchmark-compare"), "ERROR: No saved run in")
    path = save(pytester)
    assert_refused(pytester.runpytest_subprocess("--benchmark-compare"), "are of another machine")
    path.write_text(path.read_text()[:-200])
    assert_refused(pytester.runpytest_subprocess("--benchmark-compare"), "is damaged: Input data")


def test_a_storage_outside_of_the_working_directory_is_read(project, tmp_path):
    pytester = project(TESTS)
    save(pytester).parents[1].rename(tmp_path / "elsewhere")
    result = pytester.runpytest_subprocess(
        "--benchmark-compare", f"--benchmark-storage=file://{tmp_path}/elsewhere"
    )
    assert_refused(result, "are of another machine")


def test_a_second_measurement_in_a_test_is_refused(project):
    from traingate.host.hardware import hardware

    pytester = project(
        """
        from models import mlp, raising
        import pytest

        def test_twice(training_benchmark):
            with pytest.raises(pytest.fail.Exception, match="the data is not there"):
                training_benchmark(raising)
            training_benchmark(mlp)
        """
    )
    save(pytester, machine=hardware())
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    assert_refused(result, "training_benchmark measures once per test")


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--benchmark-compare=", "--benchmark-compare= names no run: the value is empty"),
        ("--benchmark-compare=test_training.py", "Write paths before it: pytest test_training.py"),
        ("--benchmark-compare=.", "Write paths before it: pytest . --benchmark-compare"),
        ("--traingate-scale=huge", "takes one of smoke, quick, seed, not 'huge'"),
        ("--traingate-launches=0", "needs a whole number of at least 1, not '0'"),
        ("--traingate-tolerance=50", "needs a percentage below 50, not '50'"),
        ("--traingate-timeout=soon", "needs a number above 0, not 'soon'"),
    ],
)
def test_an_invalid_option_is_refused(project, argument, complaint):
    assert_refused(project(TESTS).runpytest_subprocess(argument), complaint)


def test_an_invalid_ini_key_is_refused(project):
    pytester = project(TESTS)
    pytester.makeini("[pytest]\ntraingate_steady = shaky\n")
    assert_refused(
        pytester.runpytest_subprocess("--collect-only"),
        "ini key traingate_steady takes one of off, threads, full, not 'shaky'",
    )


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        ("tolerance=0", "tolerance needs a number above 0"),
        ("speed=3", "has no 'speed'"),
        ("5", "keywords only"),
    ],
)
def test_an_invalid_marker_is_refused(project, marker, complaint):
    pytester = project(
        f"""
        import pytest
        from models import mlp

        @pytest.mark.traingate({marker})
        def test_mlp(training_benchmark):
            training_benchmark(mlp)
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    assert any(complaint in line for line in result.outlines)


def test_a_project_without_training_benchmarks_is_not_affected(pytester):
    pytester.makepyfile("def test_sum(benchmark):\n    benchmark(sum, [1, 2])\n")
    result = pytester.runpytest_subprocess("--benchmark-compare")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*traingate:*")


def test_collecting_the_suite_imports_no_torch():
    script = (
        "import sys, pytest; code = pytest.main(['--collect-only', '-q', 'benchmarks/']);"
        "sys.exit(code or ('torch' in sys.modules and 99) or 0)"
    )
    root = Path(__file__).parents[2]
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "test_ladder.py::test_plain" in process.stdout


def test_the_plugin_imports_no_large_package(pytester):
    pytester.makepyfile(
        test_plain="""
        def test_modules(request):
            import sys
            heavy = {"torch", "numpy", "scipy", "rich", "msgspec", "psutil", "jinja2"}
            assert not heavy & set(sys.modules)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
