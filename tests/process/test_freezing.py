"""A child that waits is stopped as a whole: its threads, its data workers, its other sessions."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time

import psutil
import pytest
from test_child import SERVICES, TIMEOUT, child
from workers import launched_processes

from traingate.protocol import messages

WATCH_SECONDS = 0.3


@contextlib.contextmanager
def computing_child():
    """Start a child that computes in a thread, and in a process in another session."""
    with child("Computing") as worker:
        worker.send(messages.Step(1))
        worker.receive(messages.Stepped, TIMEOUT, "in step 1 of 1")
        yield worker, [psutil.Process(worker.pid), *psutil.Process(worker.pid).children()]


def computed_seconds(processes):
    """Return the time that each process computes while this one waits."""
    before = [sum(process.cpu_times()[:2]) for process in processes]
    time.sleep(WATCH_SECONDS)
    after = [sum(process.cpu_times()[:2]) for process in processes]
    return [late - early for early, late in zip(before, after, strict=True)]


def test_nothing_of_a_frozen_child_computes_until_the_next_command():
    with computing_child() as (worker, processes):
        assert len(processes) == 2
        assert all(computed_seconds(processes))
        assert worker.freeze()
        assert computed_seconds(processes) == [0.0, 0.0]
        assert worker.ask(messages.Step(1), messages.Stepped, TIMEOUT, "in step 2 of 2")
        assert all(computed_seconds(processes))


def test_a_frozen_child_is_ended_at_once():
    with computing_child() as (worker, processes):
        worker.freeze()
        start = time.monotonic()
    assert time.monotonic() - start < 3  # a running child would get 5 s to end by itself
    assert psutil.wait_procs(processes, TIMEOUT)[1] == []  # init may notice it later


def test_a_killed_child_is_at_rest():
    with computing_child() as (worker, processes):
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, TIMEOUT)
        assert worker.freeze()


@pytest.mark.parametrize("before_death", ["worker.freeze()", "pass"])
def test_nothing_is_left_of_a_child_whose_controller_was_killed(before_death, temporary):
    script = (
        "import os, signal, sys, tempfile; sys.path.insert(0, sys.argv[1]);"
        "tempfile.tempdir = sys.argv[2]; import test_freezing\n"
        "with test_freezing.computing_child() as (worker, processes):\n"
        f"    {before_death}\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script, str(SERVICES.parent), tempfile.gettempdir()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert process.returncode == -9, process.stderr
    deadline = time.monotonic() + TIMEOUT
    while launched_processes(temporary) or list(temporary.glob("traingate-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
