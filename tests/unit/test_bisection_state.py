"""The verdicts of an interrupted bisection: kept, or measured again and told."""

from __future__ import annotations

import subprocess

import pytest
from test_worktree import commit, git, new_repository

from damages import DAMAGES
from traingate import bisection as module
from traingate.bisection import Bisection, CommitVerdict
from traingate.ending.pytest_process import PytestEnd


@pytest.fixture
def bisection(tmp_path):
    folder = new_repository(tmp_path / "project")
    for text in ("one", "two"):
        commit(folder, models=text)
    return Bisection.of(folder, "test_a.py::test_a", "HEAD~1", "HEAD", ())


@pytest.fixture
def saved(bisection):
    """Return the file with a verdict."""
    state = bisection._load(print)
    state.verdicts["a" * 40] = CommitVerdict(
        commit="a" * 40,
        is_bad=True,
        slowdown_percent=9.0,
        slowdown_percent_interval=(8, 10),
        pairs=3,
    )
    bisection._save(state)
    return bisection._state_file


def test_verdicts_are_kept_in_the_repository_and_leave_no_other_file(bisection, saved):
    messages = []
    assert [*bisection._load(messages.append).verdicts] == ["a" * 40]
    assert messages == []
    assert git(bisection.repository.root, "status", "--porcelain") == ""
    assert [path.name for path in saved.parent.glob("*traingate*")] == [saved.name]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_verdicts_are_told_and_measured_again(bisection, saved, damage):
    DAMAGES[damage](saved)
    messages = []
    state = bisection._load(messages.append)
    assert (state.verdicts, state.skipped) == ({}, {})
    if damage == "a link to nowhere":
        assert messages == []  # as if there were none
    else:
        assert len(messages) == 1
        assert saved.name in messages[0]
        assert "is damaged" in messages[0]


def test_one_process_removes_the_folders_of_all_commits(tmp_path, monkeypatch):
    folder = new_repository(tmp_path / "project")
    hashes = [commit(folder, models=text) for text in ("one", "two", "three", "four", "five")]
    start, cleanups, files = subprocess.Popen, [], []

    def note_start(command, **options):
        if any("cleanup.py" in str(word) for word in command):
            cleanups.append(command)
        return start(command, **options)

    def judge(file, name, _status):
        files.append(file)
        return CommitVerdict(
            commit=name,
            is_bad=hashes.index(name) >= 2,
            slowdown_percent=9.0,
            slowdown_percent_interval=(8, 10),
            pairs=3,
        )

    monkeypatch.setattr(subprocess, "Popen", note_start)
    monkeypatch.setattr(module, "run_pytest", lambda *_, **__: PytestEnd(0, None))
    monkeypatch.setattr(module, "_read_verdict", judge)
    result = Bisection.of(folder, "test_a.py::test_a", hashes[0], "HEAD", ()).run(lambda _: None)
    assert result.first_bad == hashes[2]
    assert len({*files}) == len(files) == 3
    assert len(cleanups) == 1
    assert not any(file.parent.exists() for file in files)
