"""Test that the logs of a child stay small while it works."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from traingate.controller import exit_report
from traingate.controller.child import Child
from traingate.controller.command import Command
from traingate.protocol import messages
from traingate.untrusted import output_end

SERVICES = Path(__file__).with_name("services.py")
MIB = 1 << 20

pytestmark = pytest.mark.usefixtures("temporary")


def test_a_log_is_cut_between_the_short_steps_of_a_turn(monkeypatch):
    monkeypatch.setattr(output_end, "MAX_BYTES", 4 * MIB)
    monkeypatch.setattr(exit_report, "_CUT_SECONDS", 0.05)
    command = Command((sys.executable, str(SERVICES), "Printing"), os.environ)
    sizes = []
    with Child(command, "launch 1", 60) as worker:
        worker.wait_for_hello()
        worker.send(messages.Step(10))
        for number in range(1, 11):
            worker.receive(messages.Stepped, 60, f"in step {number} of 10")
            sizes.append((worker.directory / "log").stat().st_size)
    assert max(sizes) <= (4 + 2 * 8) * MIB  # the worker may be one step ahead
