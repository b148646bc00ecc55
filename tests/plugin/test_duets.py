"""Test duets with torch, git commits and other interpreters."""

from __future__ import annotations

import fnmatch
import signal
import subprocess
import sys
import sysconfig
import venv

import psutil
import pytest
from repositories import FAST, ONE_TEST, commit, git, record, slow_down


@pytest.mark.long
@pytest.mark.timed
def test_unchanged_code_passes_though_the_tree_is_dirty(committed):
    """A shorter test of this is in process/test_against_base."""
    pytester = committed()
    models = pytester.path / "models.py"
    models.write_text(f"{models.read_text()}\n# not committed\n")
    (pytester.path / "new.py").write_text("")
    result = pytester.runpytest_subprocess(
        *FAST,
        "--traingate-against=HEAD",
        "--traingate-tolerance=30",
        "--benchmark-json=record.json",
    )
    result.assert_outcomes(passed=1)
    saved_record = record(pytester)
    assert saved_record["verdict"]["outcome"] == "PASSED"
    assert len(saved_record["duet"]["pairs"]) == 2
    result.stdout.fnmatch_lines(["*measured  side by side, step by step*"])


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ((), "failed"),
        pytest.param(("--traingate-on-missing=record",), "passed", marks=pytest.mark.long),
    ],
)
def test_a_workload_that_only_the_candidate_has_fails_or_is_recorded(committed, options, outcome):
    pytester = committed()
    tests = pytester.path / "test_training.py"
    tests.write_text(tests.read_text().replace("mlp", "fresh"))
    models = pytester.path / "models.py"
    models.write_text(f"{models.read_text()}\n\ndef fresh():\n    return mlp()\n")
    result = pytester.runpytest_subprocess(*FAST, "--traingate-against=HEAD", *options)
    result.assert_outcomes(**{outcome: 1})
    if outcome == "failed":
        result.stdout.fnmatch_lines(["*HEAD (commit *) has no fresh in models.py*"])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--traingate-against=nowhere"], "*'nowhere' names no commit*"),
        (["--traingate-against=HEAD~1"], "*has no mlp in models.py*--traingate-on-missing=record*"),
        (["--traingate-against="], "*must not be empty*"),
        (["--traingate-against-python="], "*must not be empty*"),
        (["--traingate-against-python=/no/python"], "*does not run as a Python*"),
        (["--traingate-against=HEAD", "--benchmark-compare"], "*give one of them*"),
        (["--traingate-against=HEAD", "-n2"], "*compares nothing under xdist*"),
        (["--traingate-against=HEAD", "--benchmark-disable"], "*compares nothing while*"),
        (["--traingate-against=HEAD", "--traingate-launches=1"], "*one pair has no spread*"),
    ],
)
def test_a_duet_that_cannot_be_measured_is_refused(committed, project, options, complaint):
    pytester = project(ONE_TEST)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    commit()
    result = pytester.runpytest_subprocess(*FAST, *options)
    assert result.ret != 0
    lines = result.outlines + result.errlines
    assert any(fnmatch.fnmatch(line, complaint) for line in lines)


def test_a_misspelt_commit_is_not_taken_for_new_code(committed):
    result = committed().runpytest_subprocess(
        *FAST, "--traingate-against=nowhere", "--traingate-on-missing=record"
    )
    result.assert_outcomes(failed=1)


def test_a_comparison_without_any_benchmark_fails(committed):
    pytester = committed("def test_other(): pass\n")
    result = pytester.runpytest_subprocess(*FAST, "--traingate-against=HEAD")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*no training benchmark was selected*"])


def test_a_project_outside_of_a_repository_cannot_be_compared(project):
    result = project(ONE_TEST).runpytest_subprocess(*FAST, "--traingate-against=HEAD")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*is in no git repository*"])


@pytest.mark.long
def test_new_code_is_recorded_if_missing_baselines_are(committed, project):
    pytester = project(ONE_TEST)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "empty")
    result = pytester.runpytest_subprocess(
        *FAST, "--traingate-against=HEAD", "--traingate-on-missing=record"
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*NO_BASELINE*"])


def another_python(folder):
    """Return a new virtual environment that imports the packages of this one."""
    other = folder / "other"
    venv.create(other, symlinks=True)
    packages = next(other.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return other


@pytest.mark.long
@pytest.mark.timed
def test_a_commit_under_another_interpreter_differs_in_code_and_environment(committed, tmp_path):
    pytester = committed()
    slow_down(pytester)
    other = another_python(tmp_path)
    result = pytester.runpytest_subprocess(
        *FAST, "--traingate-against=HEAD", f"--traingate-against-python={other}",
        "--benchmark-json=record.json",
    )  # fmt: skip
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*REGRESSED: in another environment: *", "*throughput is * % lower*"]
    )
    head = git("rev-parse", "HEAD")[:9]
    assert record(pytester)["duet"]["base"] == f"commit {head} (HEAD) under the Python of {other}"


IMPORTING = """
import models
from models import mlp

try:
    import only_here
    models.SLOWER = 4.0
except ImportError:
    pass

def test_mlp(training_benchmark):
    training_benchmark(model)

def model():
    return mlp()
"""


@pytest.mark.long
@pytest.mark.timed
def test_another_interpreter_imports_no_package_of_this_environment(
    committed, tmp_path, monkeypatch
):
    """A shorter test of two interpreters is in test_chosen_environments."""
    pytester = committed(IMPORTING)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "only_here.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    other = another_python(tmp_path)
    result = pytester.runpytest_subprocess(
        *FAST, f"--traingate-against-python={other}", "--benchmark-json=record.json"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*REGRESSED: by the environment, not by the code:*"])
    duet = record(pytester)["duet"]
    assert duet["base"] == f"the Python of {other}"
    assert duet["base_environment"]["torch"] == duet["candidate_environment"]["torch"]


HANGING = """
        import os
        from pathlib import Path
        marks = Path(os.environ["MARKS"])
        (marks / str(os.getpid())).touch()
        if len(list(marks.iterdir())) > {pairs}:
            (marks / "hanging").touch()
            time.sleep(600)
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("pairs", "result"), [(0, ""), (1, " after one pair, which measured it as * than the base")]
)
def test_ctrl_c_in_a_duet_leaves_nothing_and_reports_the_pairs(
    committed, tmp_path, monkeypatch, pairs, result
):
    pytester = committed()
    marks = tmp_path / "marks"
    marks.mkdir()
    monkeypatch.setenv("MARKS", str(marks))
    nets = pytester.path / "nets.py"
    original = nets.read_text()
    head = "    def forward(self, x):\n"
    nets.write_text(original.replace(head, head + HANGING.format(pairs=pairs)))
    commit()
    nets.write_text(original)
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *FAST, "--traingate-against=HEAD"],
        cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    _wait_until((marks / "hanging").exists, psutil.Process(run.pid))
    run.send_signal(signal.SIGINT)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    message = f"*the comparison was broken off{result}: no verdict"
    assert any(fnmatch.fnmatch(line, message) for line in output.splitlines()), output


def _wait_until(condition, process):
    """Wait until *condition* returns true, while *process* runs; for two minutes at most."""
    for _ in range(1200):
        if condition():
            return
        ended, _ = psutil.wait_procs([process], timeout=0.1)
        assert not ended
    raise AssertionError("two minutes were not enough")
