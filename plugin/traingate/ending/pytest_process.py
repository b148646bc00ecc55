"""Run pytest in a process of its own that ends with this one, if a signal asks for that."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Final

_FIRST_SIGNAL_STATUS: Final = 128
"""Exit status of a program that a signal has ended, less the number of the signal (bash(1))."""


def run_pytest(arguments: Sequence[str]) -> int:
    """Run pytest, and return its exit status.

    A service that cancels a job sends SIGINT or SIGTERM to this process alone. Both are passed on.
    """
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    with subprocess.Popen(command) as process, _signals_passed_on(process):  # noqa: S603 - no shell
        status = process.wait()
    return status if status >= 0 else _FIRST_SIGNAL_STATUS - status


@contextlib.contextmanager
def _signals_passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals that ask this process to end on to *process*, while the context lasts."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        # A terminal has sent its Ctrl-C to both.
        if number != signal.SIGINT or not sys.stdin.isatty():
            process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    earlier = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
