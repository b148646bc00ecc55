"""Program that forks runs of pytest, after it has imported pytest and its plugins.

Such a run needs less than half of the time. It does what ``python -m pytest`` does, to the end of
its interpreter. But variables that Python reads as it starts have no effect on it, modules that
it would import late are there when its tests begin, and its entries in /proc are those of this
program. A test for which one of these matters starts its run anew.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import runpy
import signal
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

IMPORTED_LATE = ("rich.progress", "scipy.special", "traingate.session", "traingate.report.markdown")
"""Modules that traingate imports only if benchmarks were collected, or one is judged."""

_NOTHING = Path(os.devnull)


@dataclass(frozen=True)
class PytestCommand:
    """Run of pytest to be started.

    Attributes:
        arguments: Arguments of pytest.
        folder: Working directory.
        environment: Environment variables.
        output: File of what it prints.
    """

    arguments: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    output: Path

    def run(self) -> None:
        """Become this run, and never return."""
        os.setsid()
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        with _NOTHING.open("rb") as no_input, self.output.open("wb") as output:
            for number, file in ((0, no_input), (1, output), (2, output)):
                os.dup2(file.fileno(), number)
        tempfile.tempdir = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv[1:] = self.arguments
        sys.path[0] = str(self.folder)
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
        raise AssertionError("python -m pytest did not exit")


def import_plugins() -> None:
    """Import what a run imports; pytest loads its plugins to list their markers."""
    with _NOTHING.open("w") as nothing, contextlib.redirect_stdout(nothing):
        pytest.main(["--markers", "-c", str(_NOTHING), "--noconftest", "-p", "no:cacheprovider"])
    for module in IMPORTED_LATE:
        importlib.import_module(module)


def serve(connection: Connection) -> None:
    """Fork a run for each command received, and send its exit status, negative for a signal."""
    while True:
        try:
            command: PytestCommand = connection.recv()
        except EOFError:
            return
        process = os.fork()
        if process == 0:
            connection.close()
            command.run()
        connection.send(process)
        _, status = os.waitpid(process, 0)
        connection.send(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    import_plugins()
    serve(Connection(int(sys.argv[1])))
