"""Time limits hold although a test has replaced the functions of ``time``."""

import ast
import itertools
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path

import traingate
from traingate.controller.rank_channels import RankChannels
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


def test_a_wait_for_a_silent_worker_ends_though_time_was_frozen(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        answers = RankChannels({0: Channel(Connection(ours.detach()))}).receive(0.1)
    assert answers.overdue_ranks == (0,)


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
