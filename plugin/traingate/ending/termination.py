"""End a run at SIGTERM and SIGHUP as at Ctrl-C, so that it still reports what it has measured.

A CI service that cancels a job sends them. By default they end Python at once. The processes beside
this one then remove what is left, but nothing is reported, and they need a moment that a machine
which is about to be switched off may not give them.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final, NoReturn

END_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
"""Signals that ask a process to end, beside that of Ctrl-C."""

FIRST_SIGNAL_STATUS: Final = 128
"""Exit status of a program that a signal has ended, less the number of the signal (bash(1))."""


INTERRUPTED_STATUS: Final = FIRST_SIGNAL_STATUS + signal.SIGINT
"""Exit status of a command that Ctrl-C has ended."""


def signal_status(status: int) -> int:
    """Return the exit status of a program if a signal has ended it; 0 if none has."""
    return status if status > FIRST_SIGNAL_STATUS else 0


@contextlib.contextmanager
def exiting_at_signals() -> Iterator[None]:
    """End a command at these signals by SystemExit, so that it removes what it has made.

    Signals that somebody else handles, or that are ignored as under nohup, are left to that.
    """
    handled = []
    with contextlib.suppress(ValueError):  # only the main thread can handle signals
        for number in END_SIGNALS:
            if signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, _exit)
                handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(FIRST_SIGNAL_STATUS + number)


class Terminated(KeyboardInterrupt):
    """A signal asked this process to end. Its message is the name of the signal."""


class Termination:
    """Handler of the signals that ask this process to end, from ``start`` to ``close``.

    Signals that somebody else handles, or that are ignored as under nohup, are left to that.

    Args:
        stop: Function that is called with the name of a signal before the exception is raised: code
            that catches every exception may swallow it.

    Attributes:
        number: Number of the last signal; None if there was none.
    """

    def __init__(self, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self.number: int | None = None

    @property
    def exit_status(self) -> int | None:
        """Return the exit status of a run that a signal has ended; None if there was none."""
        return None if self.number is None else FIRST_SIGNAL_STATUS + self.number

    def start(self) -> None:
        """Handle the signals, if this is the main thread; only that one can."""
        try:
            for number in END_SIGNALS:
                if signal.getsignal(number) == signal.SIG_DFL:
                    signal.signal(number, self._handle)
        except ValueError:
            pass

    def close(self) -> None:
        """Let the signals end Python at once again."""
        for number in END_SIGNALS:
            if signal.getsignal(number) == self._handle:
                signal.signal(number, signal.SIG_DFL)

    def _handle(self, number: int, _frame: FrameType | None) -> NoReturn:
        self.number = number
        name = signal.Signals(number).name
        self._stop(name)
        raise Terminated(f"{name} asked this run to end")
