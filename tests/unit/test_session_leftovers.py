"""Test that the check at the end of all tests finds what a test has left."""

from __future__ import annotations

import subprocess
import sys

from session_leftovers import MARK, Surroundings, worktrees


def test_processes_and_folders_that_are_left_are_found(tmp_path):
    surroundings = Surroundings(tmp_path, worktrees())
    assert surroundings.leftovers(0) == []
    (tmp_path / "traingate-session-1").mkdir()
    sleep = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    for environment, argument in (({MARK: str(tmp_path)}, "marked"), ({}, f"{tmp_path}/named")):
        with subprocess.Popen(
            [*sleep, argument], env=environment, stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()
            first, second = surroundings.leftovers(0)
            process.kill()
        assert first.startswith(f"process {process.pid} ")
        assert second == f"folder {tmp_path / 'traingate-session-1'}"


def test_a_worktree_that_is_left_is_found(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(checkout)]
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    monkeypatch.setattr("session_leftovers.ROOT", checkout)
    surroundings = Surroundings(tmp_path / "none", worktrees())
    assert surroundings.leftovers(0) == []
    base = tmp_path / "traingate-base-1"
    subprocess.run([*git, "worktree", "add", "-q", str(base)], check=True, capture_output=True)
    (left,) = surroundings.leftovers(0)
    assert left.startswith(f"worktree {base} ")
