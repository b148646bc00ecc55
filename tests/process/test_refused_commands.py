"""Test what is said of a child that cannot read a command, or whose controller has gone."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from traingate.controller.child import Child
from traingate.controller.command import Command
from traingate.errors import WorkerDiedError, WorkerKilledError
from traingate.protocol import channel, messages

SERVICES = Path(__file__).with_name("services.py")

pytestmark = pytest.mark.usefixtures("temporary")  # it checks that no process and no file is left


def regular_child():
    return Child(Command((sys.executable, str(SERVICES), "Regular"), os.environ), "launch 2", 60)


def test_a_child_that_cannot_read_a_command_says_why_and_was_not_killed_for_memory(monkeypatch):
    monkeypatch.setattr(channel, "encode", lambda _: b"garbage \xff")  # in this process alone
    with pytest.raises(WorkerDiedError) as caught, regular_child() as worker:
        worker.wait_for_hello().ask(messages.Step(1), messages.Stepped, 60, "in step 1 of 1")
    assert not isinstance(caught.value, WorkerKilledError)  # after which a duet would go on alone
    assert re.search(
        r"launch 2 ended itself since it could not read a command .* in step 1 of 1, .*\n"
        r"Last output:\n    traingate: a command of the controller cannot be read, not a message of "
        r"protocol version \d+: b'garbage",
        str(caught.value),
    ), str(caught.value)


@pytest.mark.parametrize(
    "part", [b"", b"\0\0", b"\0\0\1\0half of it"], ids=["none", "start", "half"]
)
def test_a_child_whose_connection_ends_within_a_command_ends_quietly(monkeypatch, part):
    """So it is if the controller is killed."""
    monkeypatch.setattr(
        channel.Connection, "send_bytes", lambda self, _: os.write(self.fileno(), part)
    )
    with regular_child() as worker:
        worker.wait_for_hello()
        worker.send(messages.Step(1))
    assert worker.output == ""
