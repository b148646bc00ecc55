"""A worker that cannot be started, because pytest's own process lacks something."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from traingate.controller.child import Child
from traingate.controller.command import Command
from traingate.errors import WorkerError

pytestmark = pytest.mark.usefixtures("temporary")  # it checks that no process and no file is left


def child():
    return Child(Command((sys.executable, "-c", ""), os.environ), "launch 2", 30.0)


def test_a_shortage_in_the_controllers_own_process_names_the_launch():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    expected = r"launch 2 could not be started: OSError: .*Too many open files"
    taken = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, hard))
    try:
        with contextlib.suppress(OSError):  # earlier tests may have left gaps
            while True:
                taken.append(os.dup(0))
        os.close(taken.pop())
        with pytest.raises(WorkerError, match=expected), child():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


def test_a_lack_of_processes_names_the_launch(monkeypatch):
    """RLIMIT_NPROC does not hold for root, so fork(2) fails here as it would."""

    def failing(*_, **__):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("_posixsubprocess.fork_exec", failing)
    monkeypatch.setattr("subprocess._fork_exec", failing, raising=False)
    monkeypatch.setattr("subprocess._USE_POSIX_SPAWN", False)
    expected = "launch 2 could not be started: BlockingIOError: .*temporarily unavailable"
    with pytest.raises(WorkerError, match=expected), child():
        pass


def test_a_socket_that_a_test_has_replaced_names_the_launch(monkeypatch):
    """pytest-socket does so, and raises an exception of its own."""

    def raising(*_):
        raise RuntimeError("a test tried to use a socket")

    monkeypatch.setattr(socket, "socket", raising)
    expected = "launch 2 could not be started: RuntimeError: a test tried to use a socket"
    with pytest.raises(WorkerError, match=expected), child():
        pass


def test_a_start_of_processes_that_a_test_has_replaced_names_the_launch(monkeypatch):
    """pytest-subprocess does so, and raises an exception of its own."""

    def raising(*_, **__):
        raise RuntimeError("a process that was not registered")

    monkeypatch.setattr(subprocess, "Popen", raising)
    expected = "launch 2 could not be started: RuntimeError: a process that was not registered"
    with pytest.raises(WorkerError, match=expected), child():
        pass


def test_a_signal_before_the_process_is_known_leaves_none(monkeypatch):
    """A launcher imports torch before it could notice that its controller has gone."""
    start = subprocess.Popen

    def start_and_signal(*arguments, **options):
        started.append(start(*arguments, **options))
        raise KeyboardInterrupt

    started = []
    command = Command((sys.executable, "-c", "import time; time.sleep(600)"), os.environ)
    monkeypatch.setattr(subprocess, "Popen", start_and_signal)
    with pytest.raises(KeyboardInterrupt), Child(command, "launch 2", 30.0):
        pass
    assert [process.wait(30) for process in started] == [-signal.SIGKILL]
