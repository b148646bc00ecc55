"""A command that hangs is ended with all that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from traingate.environments import interpreter
from traingate.environments.interpreter import find_interpreter
from traingate.errors import ConfigurationError
from traingate.untrusted import bounded_command
from traingate.untrusted.bounded_command import LongOutputError, run_bounded
from traingate.worktree.git_command import run_git


@pytest.fixture
def wrapper(tmp_path):
    """Return a script that waits for its child, a ``sleep``, whose number it writes to a FIFO."""
    os.mkfifo(tmp_path / "started")
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nsleep 600.5 &\necho $! > {tmp_path}/started\nwait\necho done\n")
    script.chmod(0o755)
    return script


def _child_of(script: Path, numbers: list[int]) -> None:
    """Append the number of the wrapper's child, once it was started."""
    numbers.append(int((script.parent / "started").read_text()))


def _has_ended(number: int) -> bool:
    """Return whether a process has ended, after waiting for the effect of SIGKILL."""
    try:
        psutil.Process(number).wait(10)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        os.kill(number, signal.SIGKILL)
        return False
    return True


def test_what_a_wrapper_of_an_interpreter_has_started_ends_with_it(wrapper, monkeypatch):
    monkeypatch.setattr(interpreter, "PROBE_SECONDS", 3.0)
    numbers: list[int] = []
    reader = threading.Thread(target=_child_of, args=(wrapper, numbers), daemon=True)
    reader.start()
    with pytest.raises(ConfigurationError, match="python does not run as a Python: it timed out"):
        find_interpreter(str(wrapper), "--traingate-against-python")
    reader.join(10)
    assert _has_ended(*numbers)


def test_an_interruption_ends_all_that_a_command_has_started(wrapper):
    numbers: list[int] = []
    main_thread = threading.get_ident()

    def interrupt() -> None:
        _child_of(wrapper, numbers)
        signal.pthread_kill(main_thread, signal.SIGINT)

    reader = threading.Thread(target=interrupt, daemon=True)
    reader.start()
    with pytest.raises(KeyboardInterrupt):
        run_bounded([str(wrapper)], 60.0)
    reader.join(10)
    assert _has_ended(*numbers)


@pytest.fixture
def numbers(monkeypatch):
    """Return a list that gets the numbers of all processes that are started."""
    numbers: list[int] = []

    class NotedStart(subprocess.Popen):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            numbers.append(self.pid)

    monkeypatch.setattr(subprocess, "Popen", NotedStart)
    return numbers


def test_an_interruption_while_a_command_starts_ends_it_too(numbers, monkeypatch):
    main_thread = threading.get_ident()

    class InterruptedStart(subprocess.Popen):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            signal.pthread_kill(main_thread, signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", InterruptedStart)
    with pytest.raises(KeyboardInterrupt):
        run_bounded(["sleep", "600.5"], 60.0)
    assert _has_ended(*numbers)


@pytest.mark.parametrize("is_started", [True, False])
def test_an_interruption_beside_the_start_of_the_thread_leaves_nothing(
    numbers, monkeypatch, is_started
):
    start, threads = threading.Thread.start, []

    def interrupt(thread):
        threads.append(thread)
        if is_started:
            start(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_bounded(["sleep", "600.5"], 60.0)
    if not is_started:
        start(*threads)  # too late: nobody waits for the command any more
    threads[0].join(10)
    assert all(map(_has_ended, numbers))
    assert not numbers or is_started


def test_a_command_that_no_thread_can_start_is_an_error_of_the_system(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="can't start new thread"):
        run_bounded(["true"], 60.0)


def test_a_command_gets_its_question_and_its_environment():
    program = 'read -r line; echo "$line $NAME"; echo problem >&2; exit 3'
    process = run_bounded(["sh", "-c", program], 60.0, environment={"NAME": "b"}, question="a\n")
    assert (process.returncode, process.stdout, process.stderr) == (3, "a b\n", "problem\n")
    assert run_bounded(["cat"], 60.0).stdout == ""  # it does not wait for a terminal


def test_its_group_is_told_while_it_runs():
    calls: list[tuple[int, bool]] = []

    def note(group: int, *, runs: bool) -> None:
        calls.append((group, runs))

    output = run_bounded(["sh", "-c", "echo $$"], 60.0, on_change=note).stdout
    assert calls == [(int(output), True), (int(output), False)]
    with pytest.raises(subprocess.TimeoutExpired):
        run_bounded(["sleep", "600.5"], 0.1, on_change=note)
    assert [runs for _, runs in calls[2:]] == [True, False]


def test_a_long_question_and_a_long_output_wait_for_each_other():
    """A pipe takes 64 KiB, so that neither side may only write, or only read."""
    text = "0123456789\n" * 100_000
    assert run_bounded(["cat"], 60.0, question=text).stdout == text
    assert run_bounded(["sh", "-c", "exec <&-; echo done"], 60.0, question=text).stdout == "done\n"


@pytest.mark.parametrize("target", ["", " >&2"])
def test_a_command_that_prints_without_end_is_ended(monkeypatch, numbers, target):
    monkeypatch.setattr(bounded_command, "_MAX_READ_BYTES", 1 << 20)
    with pytest.raises(LongOutputError, match="it printed more than 1 MiB"):
        run_bounded(["sh", "-c", f"yes{target}"], 60.0)
    assert _has_ended(*numbers)


def test_a_git_that_prints_without_end_fails_with_that_reason(monkeypatch, tmp_path):
    """A filter or a program of the transport may print anything."""
    monkeypatch.setattr(bounded_command, "_MAX_READ_BYTES", 1 << 20)
    process = run_git(tmp_path, "-c", "alias.endless=!yes", "endless")
    assert process.returncode
    assert process.stderr == "git was ended: it printed more than 1 MiB"


def test_a_command_is_ended_in_time_though_a_test_has_stopped_the_clocks(monkeypatch, numbers):
    for module, name in ((time, "monotonic"), (subprocess, "_time")):
        monkeypatch.setattr(module, name, lambda: 0.0)
    with pytest.raises(subprocess.TimeoutExpired):
        run_bounded(["sleep", "600.5"], 0.1)
    assert _has_ended(*numbers)


def test_lines_of_an_output_end_with_a_line_feed_alone():
    assert run_bounded(["printf", r"a\r\nb\rc\n"], 60.0).stdout == "a\nb\nc\n"
