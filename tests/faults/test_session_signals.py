"""Test that a run that a signal ends leaves nothing behind, and is never green."""

from __future__ import annotations

import os
import signal

import pytest
from session_points import POINTS, standing_still
from session_sites import site


@pytest.fixture
def project():
    with site() as made:
        yield made


SIGNALS = {
    "Ctrl-C": [signal.SIGINT],
    "TERM": [signal.SIGTERM],
    "HUP": [signal.SIGHUP],
    "KILL": [signal.SIGKILL],
}


@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("point", POINTS)
def test_no_process_no_worktree_and_no_folder_is_left(project, point, kind):
    with standing_still(project, point) as run:
        for number in SIGNALS[kind]:
            os.killpg(run.process.pid, number)
        ended = run.wait()
        print(ended.status, ended.output)
    assert ended.status != 0
    assert project.leftovers(10) == []
