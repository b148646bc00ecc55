"""Run a command that may hang, or leave processes behind, within a time limit.

This module imports the standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Protocol


class GroupObserver(Protocol):
    """Receiver of the process group of a command."""

    def __call__(self, group: int, *, runs: bool) -> None:
        """Note that a process group was started, or that it has ended."""


def run_bounded(
    command: Sequence[str],
    seconds: float,
    *,
    environment: Mapping[str, str] | None = None,
    question: str = "",
    errors: str = "backslashreplace",
    on_change: GroupObserver | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a session of its own, and return its output, whatever its exit status is.

    If the time is over, or if this process is interrupted, all processes of its group are killed: a
    wrapper's child would outlive the wrapper.

    Args:
        command: Program and its arguments.
        seconds: Longest time that it may take.
        environment: Environment variables; None for those of this process.
        question: Text for its standard input, in UTF-8.
        errors: Treatment of output that is not UTF-8, as for ``bytes.decode``.
        on_change: Function that is called when it has started, and when it has ended.

    Raises:
        OSError: If it cannot be started.
        ValueError: If there is a null byte in it.
        TimeoutExpired: If it took longer.
    """
    with subprocess.Popen(  # noqa: S603 - no shell
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors=errors,
        env=environment,
        start_new_session=True,  # so that it and its children can be killed together
    ) as process:
        try:
            if on_change is not None:
                on_change(process.pid, runs=True)
            output, error_output = process.communicate(question, timeout=seconds)
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()  # Popen itself does not after an interruption, which leaves a zombie
            raise
        finally:
            if on_change is not None:
                process.wait()
                on_change(process.pid, runs=False)
    return subprocess.CompletedProcess(command, process.returncode, output, error_output)
