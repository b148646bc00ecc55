"""Run a command that may hang, or leave processes behind, within a time limit.

This module imports the standard library alone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol


class GroupObserver(Protocol):
    """Receiver of the process group of a command."""

    def __call__(self, group: int, *, runs: bool) -> None:
        """Note that a process group was started, or that it has ended."""


def run_bounded(
    command: Sequence[str],
    seconds: float | None,
    *,
    environment: Mapping[str, str] | None = None,
    question: str = "",
    errors: str = "backslashreplace",
    is_shown: bool = False,
    on_change: GroupObserver | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command in a session of its own, and return its output, whatever its exit status is.

    If the time is over, or if this process is interrupted, all processes of its group are killed: a
    wrapper's child would outlive the wrapper.

    Args:
        command: Program and its arguments.
        seconds: Longest time that it may take; None for one that the user watches.
        environment: Environment variables; None for those of this process.
        question: Text for its standard input, in UTF-8.
        errors: Treatment of output that is not UTF-8, as for ``bytes.decode``.
        is_shown: Whether it prints where this process prints; then no output is returned.
        on_change: Function that is called when it has started, and when it has ended.

    Raises:
        OSError: If it cannot be started.
        ValueError: If there is a null byte in it.
        TimeoutExpired: If it took longer.
    """
    output_target = None if is_shown else subprocess.PIPE

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603 - no shell
            command,
            stdin=subprocess.PIPE,
            stdout=output_target,
            stderr=output_target,
            encoding="utf-8",
            errors=errors,
            env=environment,
            start_new_session=True,  # so that it and its children can be killed together
        )

    started: Future[subprocess.Popen[str]] = Future()
    try:
        _run_in_thread(start, started)
        process = started.result()
        if on_change is not None:
            on_change(process.pid, runs=True)
        output, error_output = process.communicate(question, timeout=seconds)
        if on_change is not None:
            on_change(process.pid, runs=False)
    except BaseException:
        _end(started, on_change)
        raise
    return subprocess.CompletedProcess(
        command, process.returncode, output or "", error_output or ""
    )


def _run_in_thread(
    start: Callable[[], subprocess.Popen[str]], started: Future[subprocess.Popen[str]]
) -> None:
    """Start a command in a thread, unless *started* is cancelled before, and put it there.

    Python calls the handlers of signals in the main thread. There one could raise an exception when
    the process runs and nothing has its number yet, and so the process would go on.

    Raises:
        OSError: If no thread can be started.
    """

    def run() -> None:
        if started.set_running_or_notify_cancel():
            try:
                started.set_result(start())
            except BaseException as error:
                started.set_exception(error)

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, str(error)) from error


def _end(started: Future[subprocess.Popen[str]], on_change: GroupObserver | None) -> None:
    """Kill the process group of a command, and close its pipes; do not start it if none runs."""
    if started.cancel() or started.exception() is not None:
        return
    with started.result() as process:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()  # Popen itself does not after an interruption, which leaves a zombie
        if on_change is not None:
            on_change(process.pid, runs=False)
