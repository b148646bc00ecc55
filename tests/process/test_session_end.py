"""Test that a session leaves nothing behind when a signal ends its process in the middle of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest
from workers import TRAININGS, launched_processes

SCRIPT = """
from trainings import hanging
from sample_settings import settings
from traingate.gate.limits import Limits
from traingate.layers.stack import Stack
from traingate.report.progress import NoProgress
from traingate.session.jobs import BenchmarkRequest
from traingate.session import Session
from traingate.workload import name_of

class Telling(NoProgress):
    def doing(self, activity):
        print(activity, flush=True)

session = Session(settings(launches=1, steps=2), TRAININGS.parent, [str(TRAININGS.parent)])
session.run(BenchmarkRequest("a.py::test", name_of(hanging, "hanging"), Stack(), Limits()), Telling())
"""

TIMEOUT = 60.0


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_no_process_and_no_folder_is_left_of_a_session_that_is_ended(
    number, temporary, monkeypatch
):
    monkeypatch.setenv("TMPDIR", str(temporary))
    paths = [str(TRAININGS.parents[1]), os.environ["PYTHONPATH"]]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    script = f"from pathlib import Path; TRAININGS = Path({str(TRAININGS)!r})\n{SCRIPT}"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert "first step\n" in process.stdout
            children = psutil.Process(process.pid).children(recursive=True)
            names = sorted(path.name.rpartition("-")[0] for path in temporary.glob("traingate-*"))
            assert names == [names[0]] * 2 + ["traingate-session"]
            assert names[0].startswith(f"traingate-{process.pid}-")
            assert len(children) >= 3  # the worker, the yardstick, and the process that cleans up
            process.send_signal(number)
            process.wait(TIMEOUT)
        finally:
            process.kill()
    assert process.returncode == -number
    _, left = psutil.wait_procs(children, TIMEOUT)
    assert left == []
    assert launched_processes(temporary) == []
    assert list(temporary.glob("traingate-*")) == []
