"""A child that waits is stopped as a whole: its threads, its data workers, its other sessions."""

from __future__ import annotations

import contextlib
import operator
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
def computing_child(service="Computing"):
    """Start a child that computes in a thread, and in a process in another session."""
    with child(service) as worker:
        worker.send(messages.Step(1))
        worker.receive(messages.Stepped, TIMEOUT, "in step 1 of 1")
        yield worker, [psutil.Process(worker.pid), *psutil.Process(worker.pid).children()]


def processor_seconds(processes):
    """Return the time that each process has computed so far."""
    return [sum(process.cpu_times()[:2]) for process in processes]


def wait_until_all_compute(processes):
    """Wait until each process has computed; a busy machine may give them little time."""
    before = processor_seconds(processes)
    deadline = time.monotonic() + TIMEOUT
    while not all(map(operator.lt, before, processor_seconds(processes))):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("service", ["Computing", "ComputingInADaemon"])
def test_nothing_of_a_frozen_child_computes_until_the_next_command(service):
    with computing_child(service) as (worker, processes):
        assert len(processes) == 2
        wait_until_all_compute(processes)
        assert worker.freeze()
        before = processor_seconds(processes)
        time.sleep(WATCH_SECONDS)
        assert processor_seconds(processes) == before
        assert worker.ask(messages.Step(1), messages.Stepped, TIMEOUT, "in step 2 of 2")
        wait_until_all_compute(processes)


def test_a_frozen_child_is_ended_at_once(monkeypatch):
    monkeypatch.setattr("traingate.controller.child._GRACE_SECONDS", 600.0)  # of a running child
    with computing_child() as (worker, processes):
        worker.freeze()
        start = time.monotonic()
    assert time.monotonic() - start < TIMEOUT
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
