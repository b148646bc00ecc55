"""The command that prepares a base ends with its session, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

SCRIPT = """
import sys
from pathlib import Path
from traingate.comparison.base_setup import prepare_base_tree
command = "setsid sleep 600 & touch started; exec sleep 600"
prepare_base_tree(command, Path(sys.argv[1]), None, 600.0, is_shared=True)
"""

TIMEOUT = 60.0


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=["KILL", "TERM", "HUP"]
)
def test_a_setup_command_ends_with_all_that_it_started_when_its_session_is_ended(temporary, number):
    with subprocess.Popen([sys.executable, "-c", SCRIPT, str(temporary)]) as session:
        try:
            process, guard_and_command = psutil.Process(session.pid), 2
            deadline = time.monotonic() + TIMEOUT
            while not (
                (temporary / "started").exists() and len(process.children()) == guard_and_command
            ):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            children = process.children(recursive=True)
            session.send_signal(number)
            session.wait(TIMEOUT)
        finally:
            session.kill()
    assert session.returncode == -number
    _, left = psutil.wait_procs(children, TIMEOUT)
    for child in left:
        child.kill()
    assert left == []
    assert len(children) > guard_and_command
