"""Test that a command leaves nothing behind that is ended while git or uv works for it."""

from __future__ import annotations

import signal

import pytest
from session_sites import TRAINGATE
from workers import git

STATUS = {
    signal.SIGTERM: 128 + signal.SIGTERM,
    signal.SIGHUP: 128 + signal.SIGHUP,
    signal.SIGKILL: -signal.SIGKILL,
}
"""Exit status of a command that a signal has ended."""

NOTED_SECONDS = 0.5
"""Time after which the process that removes folders knows what has been started."""


@pytest.mark.parametrize("number", STATUS)
def test_a_command_that_is_ended_removes_its_folders(project, number):
    """git waits for a server that does not answer."""
    reached = project.root / "reached"
    project.commit()
    git(project.folder, "remote", "add", "origin", "ssh://host.invalid/project")
    project.variables["GIT_SSH_COMMAND"] = f"sleep {NOTED_SECONDS}; touch {reached}; sleep 600 #"
    run = project.start(python=(*TRAINGATE, "ci", "fetch"))
    run.wait_until(reached)
    assert project.leftovers(0) != []
    run.process.send_signal(number)
    assert run.wait().status == STATUS[number]
    assert project.leftovers() == []


CREATION = """
from traingate.cli import main
from traingate.environments import created

created.find_program = lambda _: "{uv}"
main()
"""


@pytest.mark.parametrize("number", STATUS)
def test_a_creation_of_an_environment_that_is_ended_leaves_nothing(project, number):
    """uv waits for a program that builds a package."""
    reached, environments = project.root / "reached", project.root / "environments"
    uv = project.write(
        "uv", f"#!/bin/sh\nsleep 600 &\nsleep {NOTED_SECONDS}\ntouch {reached}\nwait\n"
    )
    uv.chmod(0o755)
    project.variables["TRAINGATE_ENVIRONMENTS"] = str(environments)
    program = ("-c", CREATION.format(uv=uv))
    run = project.start("environment", "create", "torch-2.9", python=program)
    run.wait_until(reached)
    assert [*environments.iterdir()] != []
    run.process.send_signal(number)
    assert run.wait().status == STATUS[number]
    assert project.leftovers() == []
    assert [*environments.iterdir()] == []
