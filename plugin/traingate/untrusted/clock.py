"""Read a clock that tests cannot stop: libraries that freeze time replace functions of ``time``.

All time limits depend on it. This module imports the standard library alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from subprocess import Popen
from time import CLOCK_MONOTONIC, clock_gettime, sleep
from typing import Final

_LONGEST_GAP: Final = 3.0
"""Longest time between two calls of ``running_time``, in seconds, that does not count as a stop."""

_LONGEST_WORK: Final = 60.0
"""Longest time of ``counted_work``, in seconds, that does not count as a stop either."""

_EXIT_POLL_SECONDS: Final = 0.02
"""Longest interval between two checks whether a process has ended."""


def monotonic() -> float:
    """Return the time since an arbitrary moment, in seconds; it never goes back."""
    return clock_gettime(CLOCK_MONOTONIC)


class _RunningClock:
    """Clock that stands still while this process is stopped, as by Ctrl-Z or ``docker pause``.

    The kernel does not tell for how long. Whoever waits reads this clock at least once a second, so
    that a longer time between two readings is a stop.
    """

    def __init__(self) -> None:
        self._last = monotonic()
        self._stopped = 0.0

    def read(self) -> float:
        """Return the time, in seconds."""
        now = monotonic()
        if now - self._last > _LONGEST_GAP:
            self._stopped += now - self._last
        self._last = now
        return now - self._stopped

    def count(self) -> None:
        """Count the time since the last reading, in which this process has worked."""
        now = monotonic()
        if now - self._last > _LONGEST_WORK:
            self._stopped += now - self._last
        self._last = now


_CLOCK: Final = _RunningClock()


def running_time() -> float:
    """Return the time since an arbitrary moment for which this process was not stopped, in seconds.

    Whoever waits until a time of this clock has to read it at least once a second. Other work
    between two readings does not count, if it takes longer than ``_LONGEST_GAP`` and is not done in
    the context of ``counted_work``.
    """
    return _CLOCK.read()


@contextlib.contextmanager
def counted_work() -> Iterator[None]:
    """Let the time of a block of code count for ``running_time``, though it may take seconds.

    A stop in the middle of it counts too, if it is shorter than ``_LONGEST_WORK``.
    """
    _CLOCK.read()
    try:
        yield
    finally:
        _CLOCK.count()


def wait_for_exit(process: Popen[bytes], seconds: float) -> int | None:
    """Wait for the end of a process, and return its exit status; None if it still runs.

    ``Popen.wait`` reads a clock that freezegun stops.

    Args:
        process: Process that this one has started.
        seconds: Longest wait.
    """
    deadline = monotonic() + seconds
    pause = 0.0005
    while process.poll() is None and monotonic() < deadline:
        sleep(pause)
        pause = min(2 * pause, _EXIT_POLL_SECONDS)
    return process.returncode
