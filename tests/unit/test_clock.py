"""Time limits hold although a test has replaced the functions of ``time``."""

import ast
import itertools
import os
import signal
import socket
import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path

import traingate
from traingate.controller import child_logs, rank_channels
from traingate.controller.child_logs import ChildLogs
from traingate.controller.rank_channels import Answers, RankChannels
from traingate.protocol import messages
from traingate.protocol.channel import Channel
from traingate.untrusted import clock

PACKAGE = Path(traingate.__file__).parent
ALONE = {"controller/end_orphans.py", "worktree/cleanup.py"}
"""Scripts that are run by their path, in processes of their own."""


def test_a_frozen_time_goes_on(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: 0.0)
    first = clock.monotonic()
    time.sleep(0.01)
    assert clock.monotonic() >= first + 0.01


def test_time_between_two_distant_readings_does_not_count(monkeypatch):
    moments = iter([100.0, 101.0, 103.5, 200.0, 201.0, 201.5])
    monkeypatch.setattr(clock, "monotonic", lambda: next(moments))
    running = clock._RunningClock()
    readings = [running.read() for _ in range(5)]
    passed = [later - earlier for earlier, later in itertools.pairwise(readings)]
    assert passed == [2.5, 0.0, 1.0, 0.5]


def test_a_wait_ends_though_each_look_at_the_logs_takes_longer_than_a_stop(monkeypatch, tmp_path):
    """The disk that the logs are on may be slow."""
    monkeypatch.setattr(clock, "_LONGEST_GAP", 0.01)
    monkeypatch.setattr(child_logs, "cut_output", lambda _file: time.sleep(0.05))
    monkeypatch.setattr(rank_channels, "_CHECK_SECONDS", 0.005)
    looks = []
    logs = ChildLogs(tmp_path)
    with logs.created():
        pass

    def is_running():
        looks.append(logs.cut())
        return len(looks) < 100

    ours, theirs = socket.socketpair()
    with ours, theirs:
        channels = RankChannels({0: Channel(Connection(ours.detach()))})
        assert channels.receive(0.2, is_running=is_running).overdue_ranks == (0,)
    logs.close()
    assert len(looks) < 10


def test_a_wait_for_a_silent_worker_ends_though_time_was_frozen(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answers = RankChannels({0: Channel(Connection(ours.detach()))}).receive(0.1)
    assert answers.overdue_ranks == (0,)


def test_a_message_that_nobody_asked_for_is_looked_for_though_time_was_frozen(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channels = RankChannels({0: Channel(Connection(ours.detach()))})
        assert channels.unasked() == Answers()
        Channel(Connection(os.dup(theirs.fileno()))).send(messages.Step(3))
        assert channels.unasked() == Answers({0: messages.Step(3)})


def test_a_wait_for_the_end_of_a_process_ends_though_time_was_frozen(monkeypatch):
    for module, name in ((time, "monotonic"), (subprocess, "_time")):
        monkeypatch.setattr(module, name, lambda: 0.0)
    with subprocess.Popen(["sleep", "600"]) as process:
        assert clock.wait_for_exit(process, 0.1) is None
        process.kill()
        assert clock.wait_for_exit(process, 60) == -signal.SIGKILL


def test_no_module_waits_for_a_process_by_the_clock_of_another_one():
    waits = {
        f"{module.relative_to(PACKAGE)}: {ast.unparse(node)}"
        for module in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("process.wait")
        if node.args or node.keywords
    }
    assert waits == set()


def test_no_module_asks_another_clock_for_its_limits():
    texts = {module: module.read_text() for module in PACKAGE.rglob("*.py")}
    users = {
        str(module.relative_to(PACKAGE))
        for module, text in texts.items()
        if "monotonic" in text
        for node in ast.walk(ast.parse(text))
        if getattr(node, "attr", "") == "monotonic"
    }
    assert users <= ALONE
