"""Test that the logs of a child stay small while it works."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from traingate.controller import child_logs
from traingate.controller.child import Child
from traingate.controller.command import Command
from traingate.protocol import messages
from traingate.untrusted import output_end

SERVICES = Path(__file__).with_name("services.py")
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("temporary")


@pytest.fixture(autouse=True)
def _cut_early(monkeypatch):
    monkeypatch.setattr(output_end, "MAX_BYTES", 4 * MIB)
    monkeypatch.setattr(child_logs, "_CUT_SECONDS", 0.05)


def test_a_log_is_cut_between_the_short_steps_of_a_turn():
    command = Command((sys.executable, str(SERVICES), "Printing"), os.environ)
    sizes = []
    with Child(command, "launch 1", 60) as worker:
        worker.wait_for_hello()
        worker.send(messages.Step(10))
        for number in range(1, 11):
            worker.receive(messages.Stepped, 60, f"in step {number} of 10")
            sizes.append((worker.directory / "log").stat().st_size)
    assert max(sizes) <= (4 + 2 * 8) * MIB  # the worker may be one step ahead


@pytest.mark.parametrize("ranks", [0, 2], ids=["alone", "ranks"])
def test_a_log_whose_name_was_removed_is_cut_and_shown(ranks):
    service = "PrintingWithoutFolder"
    command = Command((sys.executable, str(SERVICES), service), os.environ)
    if ranks:
        argv = (sys.executable, str(SERVICES.with_name("ranks.py")), ",".join([service] * ranks))
        command = Command(argv, os.environ, ranks=ranks, launched=True)
    sizes = []
    with Child(command, "launch 1", 60) as worker:
        worker.wait_for_hello()
        process = psutil.Process(worker.pid)
        outputs = [
            Path(f"/proc/{each.pid}/fd/1") for each in (process.children() if ranks else [process])
        ]
        worker.send(messages.Step(10))
        for number in range(1, 11):
            worker.receive(messages.Stepped, 60, f"in step {number} of 10")
            sizes += [output.stat().st_size for output in outputs]  # of a file without a name
        assert not worker.directory.exists()
        log_end = worker.log_end()
    assert 0 < max(sizes) <= (4 + 2 * 8) * MIB  # a worker may be one step ahead
    assert log_end.count("xxxxx [...]") == max(1, ranks)
    assert "xxxxx" in worker.output
