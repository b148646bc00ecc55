"""Test that a signal which ends a run of several pytest processes ends all of them, and their workers."""

from __future__ import annotations

import os
import signal

import pytest
from session_sites import SMOKE


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGTERM, -signal.SIGTERM),  # the process that gets it measures nothing
        pytest.param(signal.SIGINT, 2, marks=pytest.mark.long),
    ],
)
def test_a_run_of_xdist_that_a_signal_ends_in_a_step_leaves_nothing(project, number, status):
    reached = project.root / "reached"
    project.variables.update(TRAINGATE_TEST_POINT="stepping", TRAINGATE_TEST_REACHED=str(reached))
    run = project.start(*SMOKE, "-n2")
    run.wait_until(reached)
    if number == signal.SIGINT:  # a terminal sends it to all of them
        os.killpg(run.process.pid, number)
    else:
        run.process.send_signal(number)
    ended = run.wait()
    assert project.leftovers() == []
    assert ended.status == status, ended.output
