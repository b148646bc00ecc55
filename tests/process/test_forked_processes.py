"""Test that what pytest leaves is removed though a process that it has forked goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from traingate.untrusted import parent_input
from traingate.worktree.removal import Removal

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

SECONDS = 60.0
"""Longest wait for a process that cleans up."""

FOLDER = """
import os, signal, sys
from pathlib import Path
from traingate.worktree.removal import Removal
kept = Removal()
left = kept.make_folder("left-", Path(sys.argv[1]))
"""

CHILD = """
import os, signal, subprocess, sys
from pathlib import Path
from traingate.controller.orphans import OrphanGuard
left = Path(sys.argv[1], "left")
left.mkdir()
process = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, start_new_session=True)
kept = OrphanGuard(process.pid, "the tag of the child", left)
"""

FORK_AND_DIE = """
forked = os.fork()
if forked == 0:
    os.close(1)
    signal.pause()
print(forked, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@contextlib.contextmanager
def forked():
    """Fork a process that sleeps, and yield its id."""
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_the_removal_does_not_wait_for_a_process_that_was_forked(tmp_path):
    kept = Removal()
    kept.make_folder("left-", tmp_path)
    with forked():
        kept.close()
        assert list(tmp_path.iterdir()) == []


def test_a_process_that_was_forked_removes_nothing(tmp_path):
    with Removal() as kept:
        folder = kept.make_folder("left-", tmp_path)
        pid = os.fork()
        if pid == 0:
            kept.close()
            os._exit(0)
        os.waitpid(pid, 0)
        kept.make_folder("second-", tmp_path)
        assert folder.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("program", [FOLDER, CHILD], ids=["folders", "child"])
def test_what_a_killed_process_leaves_is_removed_while_one_that_it_forked_goes_on(
    tmp_path, program
):
    command = [sys.executable, "-c", program + FORK_AND_DIE, str(tmp_path)]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=SECONDS)
    assert ended.returncode == -signal.SIGKILL
    orphan = psutil.Process(int(ended.stdout))
    try:
        deadline = time.monotonic() + SECONDS
        while [*tmp_path.iterdir()] and time.monotonic() < deadline:
            time.sleep(0.02)
        assert orphan.is_running()
        assert list(tmp_path.iterdir()) == []
    finally:
        orphan.kill()


@pytest.mark.parametrize("has_pidfd", [True, False])
def test_lines_are_read_whole_until_the_pipe_ends(monkeypatch, has_pidfd):
    if not has_pidfd:
        monkeypatch.delattr(os, "pidfd_open")
    reader, writer = os.pipe()
    lines = parent_input.read_lines_until_parent_ends(reader, os.getppid())
    os.write(writer, b"first\nsec")
    assert next(lines) == b"first"
    os.write(writer, b"ond\nthe ")
    assert next(lines) == b"second"
    os.write(writer, b"rest")
    os.close(writer)
    assert list(lines) == [b"the rest"]
    os.close(reader)


def test_without_pidfd_the_end_of_the_parent_is_noticed_however_early_it_comes(tmp_path):
    script = (
        "import os, sys; del os.pidfd_open\n"
        f"sys.path.insert(0, {str(Path(parent_input.__file__).parent)!r}); import parent_input\n"
        "parent_input._CHECK_SECONDS = 0.05\n"
        "assert not any(parent_input.read_until_parent_ends(0, int(sys.argv[2])))\n"
        "open(sys.argv[1], 'w').close()\n"
    )
    starter = (
        "import os, subprocess, sys\n"
        "command = [sys.executable, '-c', *sys.argv[1:], str(os.getpid())]\n"
        "subprocess.Popen(command, stdin=0)\n"
        "os._exit(0)\n"
    )
    reader, writer = os.pipe()
    file = tmp_path / "noticed"
    subprocess.run([sys.executable, "-c", starter, script, str(file)], stdin=reader, check=True)
    deadline = time.monotonic() + SECONDS
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert file.exists()
    os.close(reader)
    os.close(writer)
