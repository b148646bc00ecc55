"""Process that forks runs of pytest: one for all tests of a test process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forking_pytest import PytestCommand


@dataclass(frozen=True)
class PytestForks:
    """Process of ``forking_pytest.py``. It ends when the process that has started it does.

    Attributes:
        process: The process.
        connection: Connection to it.
    """

    process: subprocess.Popen[bytes]
    connection: Connection

    def run(self, command: PytestCommand, seconds: float) -> int:
        """Run a command to its end, and return its exit status, negative for a signal.

        Raises:
            TimeoutError: If it takes longer than *seconds*; it is killed.
        """
        process_id = status = None
        try:
            self.connection.send(command)
            process_id = self.connection.recv()
            if self.connection.poll(seconds):
                status = self.connection.recv()
        finally:
            if status is None:  # it hangs, or the test has a time limit: the next run starts anew
                if process_id is not None:
                    os.kill(process_id, signal.SIGKILL)
                end_forks()
        if status is None:
            raise TimeoutError(f"pytest took longer than {seconds:g} s: {command.arguments}")
        return status

    def close(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.wait()


_STARTED: dict[str, PytestForks] = {}
"""Processes that fork runs, by the PYTHONPATH of these."""


def pytest_forks(python_path: str) -> PytestForks:
    """Return the process that forks runs whose PYTHONPATH is *python_path*; start it if needed."""
    if python_path not in _STARTED:
        _STARTED[python_path] = _start(python_path)
    return _STARTED[python_path]


def _start(python_path: str) -> PytestForks:
    ours, theirs = socket.socketpair()
    program = str(Path(__file__).with_name("forking_pytest.py"))
    environment: Mapping[str, str] = {
        **os.environ,
        "PYTHONPATH": python_path,
        "OPENBLAS_NUM_THREADS": "1",  # threads do not survive a fork
    }
    with theirs:
        process = subprocess.Popen(
            [sys.executable, program, str(theirs.fileno())],
            env=environment,
            pass_fds=[theirs.fileno()],
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
    return PytestForks(process, Connection(ours.detach()))


def end_forks() -> None:
    """End the processes that fork runs."""
    while _STARTED:
        _STARTED.popitem()[1].close()
