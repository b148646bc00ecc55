"""Have a child ended by another process if this one is killed while the child is stopped."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from traingate.controller.command import LAUNCH_TAG

_SCRIPT: Final = Path(__file__).with_name("end_orphans.py")


class OrphanGuard:
    """Process that ends a child, and removes its directory, when this process has died.

    Args:
        pid: Process id of the child, which leads a process group.
        tag: Value of ``LAUNCH_TAG`` in the child's environment.
        directory: Private directory of the child; None if it has none.
    """

    def __init__(self, pid: int, tag: str, directory: Path | None) -> None:
        # With the child's tag, the script would be taken for a process of the child. The other
        # variables stay: Python may need LD_LIBRARY_PATH to start.
        environment = {name: value for name, value in os.environ.items() if name != LAUNCH_TAG}
        folder = "" if directory is None else str(directory)
        arguments = (str(os.getpid()), LAUNCH_TAG, tag, str(pid), folder)
        self._process = subprocess.Popen(  # noqa: S603 - our own script, no shell
            [sys.executable, "-I", "-S", str(_SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd="/",
            start_new_session=True,  # Ctrl-C must not end the script early
        )

    def close(self) -> None:
        """End the guard after the child has been ended."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate(b"ended\n")
