"""A history with a named anchor is not green unless something was compared with it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from click.testing import CliRunner

from sample_records import measurement, save_run
from simulated_launches import noisy_launches
from traingate.cli import main

COMMITS = ("first", "second", "third", "old", "middle", "new")
"""Commits of the repository, of which ``old`` is HEAD~2."""

COPYING_TEST = """
import shutil
from pathlib import Path

def test_copy(pytestconfig):
    storage = Path(pytestconfig.getoption("benchmark_storage").removeprefix("file://"))
    shutil.copy("{file}", storage)
"""
"""Test that stands for a benchmark: it puts a run that was measured before into the storage."""


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Return a function that saves a run of one of ``COMMITS``."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    git("init", "-q", "-b", "main")
    commits = {}
    for number, name in enumerate(COMMITS, 1):
        git("commit", "-q", "--allow-empty", "-m", name)
        commits[name] = number, git("rev-parse", "HEAD")

    def save_one(name, folder, **levels):
        number, commit = commits[name]
        path = tmp_path / "project" / folder / f"{number:04}_run.json"
        save_run(
            path,
            {
                f"b.py::{test}": measurement(noisy_launches(3, 0.1 / level, 0.02, seed=number))
                for test, level in levels.items()
            },
        )
        content = json.loads(path.read_text())
        content["commit_info"] = {"id": commit, "dirty": False}
        content["datetime"] = f"2026-11-22T10:00:{number:02}"
        path.write_text(json.dumps(content))
        return path

    return save_one


RUNS = {
    "nothing up to the anchor": (
        {"middle": {"test_a": 1}, "new": {"test_a": 1}},
        2, "nothing was measured both up to HEAD~2 and after it", "not compared: b.py::test_a",
    ),
    "the only test was replaced": (
        {"old": {"test_a": 1}, "middle": {"test_a": 1}, "new": {"test_b": 0.2}},
        2, "nothing was measured both up to HEAD~2 and after it", "not compared: b.py::test_b",
    ),
    "a loss of a test that is measured no more": (
        {"old": {"test_a": 1}, "middle": {"test_a": 0.2}, "new": {"test_b": 1}},
        2, "nothing was measured both up to HEAD~2 and after it", "not compared: b.py::test_b",
    ),
    "a new test beside another": (
        {"old": {"test_a": 1}, "middle": {"test_a": 1}, "new": {"test_a": 1, "test_b": 1}},
        0, "not compared with HEAD~2, as no run up to it has them: b.py::test_b", "",
    ),
    "a loss beside a new test": (
        {
            **{commit: {"test_a": 1} for commit in COMMITS[:-2]},
            "middle": {"test_a": 0.2}, "new": {"test_a": 0.2, "test_b": 1},
        },
        1, "not compared with HEAD~2, as no run up to it has them: b.py::test_b", "",
    ),
    "all compared": (
        {"old": {"test_a": 1}, "new": {"test_a": 1}},
        0, "", "",
    ),
}  # fmt: skip
"""Levels of the tests by commit; then the exit status and texts on the standard error output."""


@pytest.mark.parametrize("case", RUNS)
def test_the_status_says_whether_any_current_test_was_compared(save, case):
    runs, status, *texts = RUNS[case]
    for commit, levels in runs.items():
        save(commit, "storage", **levels)
    result = CliRunner().invoke(main, ["history", "storage", "--anchor=HEAD~2"])
    assert result.exit_code == status, result.output
    assert all(text in result.stderr for text in texts)
    assert bool(result.stderr) == any(texts)


@pytest.mark.parametrize("case", RUNS)
def test_recording_with_an_anchor_says_the_same(save, case, monkeypatch, tmp_path):
    runs, status, *texts = RUNS[case]
    for commit, levels in runs.items():
        save(commit, "measured" if commit == "new" else "traingate-results/runs", **levels)
    new_run = tmp_path / "project" / "measured" / f"{len(COMMITS):04}_run.json"
    (tmp_path / "test_copy.py").write_text(COPYING_TEST.format(file=new_run))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    arguments = ["ci", "record", "--anchor=HEAD~2", str(tmp_path / "test_copy.py")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, result.output
    summary = (tmp_path / "summary.md").read_text()
    assert all(text in result.stderr and text in summary for text in texts)


@pytest.mark.parametrize("kind", ["folder", "FIFO"])
def test_a_summary_of_the_job_that_cannot_be_written_is_an_error(save, monkeypatch, tmp_path, kind):
    save("new", "measured", test_a=1)
    (tmp_path / "test_copy.py").write_text(
        COPYING_TEST.format(file=next((tmp_path / "project" / "measured").iterdir()))
    )
    summary = tmp_path / "summary"
    summary.mkdir() if kind == "folder" else os.mkfifo(summary)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = CliRunner().invoke(main, ["ci", "record", str(tmp_path / "test_copy.py")])
    assert result.exit_code == 2, result.output
    assert f"traingate: GITHUB_STEP_SUMMARY: {summary} was not written: [Errno" in result.stderr


def test_the_first_run_of_all_passes_without_a_named_anchor(save):
    save("new", "storage", test_a=1)
    assert CliRunner().invoke(main, ["history", "storage"]).exit_code == 0
    result = CliRunner().invoke(main, ["history", "storage", "--anchor=HEAD"])
    assert result.exit_code == 2


def test_many_names_are_cut_off(save):
    save("old", "storage", test_a=1)
    save("new", "storage", test_a=1, **{f"test_b{number:02}": 1 for number in range(15)})
    result = CliRunner().invoke(main, ["history", "storage", "--anchor=HEAD~2"])
    assert result.exit_code == 0
    assert "b.py::test_b09 and 5 more" in result.stderr
    assert "test_b10" not in result.stderr
