"""Check the times that a worker reports against the controller's clock.

The workload runs in the worker, and can replace ``time.perf_counter`` there. Both clocks are the
same one of the kernel, so these bounds hold however busy the machine is:

- the steps of a turn, and the building of the training, take no longer than the controller waited;
- between two answers, at least the time passed from the arrival of the first to the command before
  the second, and at most that from the command before the first to the arrival of the second.

A third bound is only wide: most of the time of the turns is spent in steps. Time in which the
controller itself was stopped, as by Ctrl-Z, does not count there: the worker runs on meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from traingate.errors import ClockError
from traingate.untrusted.clock import running_time

_ROUNDING_SECONDS: Final = 1e-3
_ROUNDING_SHARE: Final = 1e-3
"""Differences of two readings of the same time that are let through: these seconds, and this share
of the time, since a system may adjust one of its clocks."""

_OTHER_SECONDS: Final = 30.0
_OTHER_SECONDS_PER_STEP: Final = 0.1
_OTHER_SHARE: Final = 1.0
"""Time of all turns that may pass outside of their steps: on waking up, on messages, and on what
the worker notes after each step. Together it takes milliseconds, but a process can be kept waiting:
so these seconds, these seconds for each step, and this share of the steps' time are let through."""


class Reading(Protocol):
    """Answer of a worker with the time on its clock."""

    @property
    def clock_seconds(self) -> float:
        """Return the time on the worker's clock when it answered, in seconds."""


class Step(Reading, Protocol):
    """Answer of a worker to a step."""

    @property
    def step_seconds(self) -> float:
        """Return the time of the step, in seconds."""


@dataclass(frozen=True)
class _Answered:
    """Clocks around one command.

    Attributes:
        sent: Time when the command was sent, on the controller's clock.
        received: Time when its last answer had arrived, on the controller's clock.
        reported: Times of the ranks when they had answered, on their own clocks.
    """

    sent: float
    received: float
    reported: tuple[float, ...]


class WorkerClock:
    """Check of the times that the ranks of one launch report.

    Call ``start`` before each command, ``stop`` after its last answer, and then one of the other
    methods.

    Args:
        name: Name of the launch, for error messages.
        log_end: Function that returns the end of its log for them.
    """

    def __init__(self, name: str, log_end: Callable[[], str]) -> None:
        self._name, self._log_end = name, log_end
        self._sent = self._received = 0.0
        self._start = self._running_seconds = 0.0
        self._first: _Answered | None = None
        self._turn_seconds = self._step_seconds = 0.0
        self._steps = 0

    def start(self) -> None:
        """Note the time, just before a command is sent."""
        self._start = running_time()
        self._sent = _now()

    def stop(self) -> None:
        """Note the time, just after the last answer to a command has arrived."""
        self._received = _now()
        self._running_seconds = running_time() - self._start

    def check_duration(self, seconds: float, activity: str) -> None:
        """Check a time that the worker has measured between the command and its answer.

        Args:
            seconds: Time that the worker reports.
            activity: Activity of the worker, for error messages.

        Raises:
            ClockError: If it is longer than the controller waited, or negative.
        """
        elapsed = self._received - self._sent
        if not 0 <= seconds <= _more_than(elapsed):
            raise self._error(activity, seconds, elapsed)

    def check_steps(
        self, answers: Sequence[Sequence[Step]], activity: str, *, is_measured: bool = True
    ) -> None:
        """Check the steps of one turn, or of the warm-up.

        Args:
            answers: Answers of all ranks, for each step.
            activity: Activity of the worker, for error messages.
            is_measured: False for the warm-up, which does more than take its step.

        Raises:
            ClockError: If a step took no time, if the steps took longer than the controller waited,
                or if the clock of a rank did not run as the controller's did.
        """
        elapsed = self._received - self._sent
        for steps in zip(*answers, strict=True):
            reported = sum(step.step_seconds for step in steps)
            if min(step.step_seconds for step in steps) <= 0 or reported > _more_than(elapsed):
                raise self._error(activity, reported, elapsed)
        self.check_clock(answers[-1], activity)
        if is_measured:
            self._check_share(answers, activity)

    def _check_share(self, answers: Sequence[Sequence[Step]], activity: str) -> None:
        """Check that most of the time of all turns so far has passed in steps."""
        self._turn_seconds += self._running_seconds
        self._step_seconds += sum(max(rank.step_seconds for rank in step) for step in answers)
        self._steps += len(answers)
        other = _OTHER_SECONDS + _OTHER_SECONDS_PER_STEP * self._steps
        if self._turn_seconds > (1 + _OTHER_SHARE) * self._step_seconds + other:
            raise self._error(activity, self._step_seconds, self._turn_seconds)

    def check_clock(self, answers: Sequence[Reading], activity: str) -> None:
        """Check the clocks of all ranks against their first readings.

        Args:
            answers: Newest answer of each rank.
            activity: Activity of the worker, for error messages.

        Raises:
            ClockError: If one of them did not run as the controller's did.
        """
        reported = tuple(answer.clock_seconds for answer in answers)
        newest = _Answered(self._sent, self._received, reported)
        if self._first is None:
            self._first = newest
            return
        least, most = newest.sent - self._first.received, newest.received - self._first.sent
        for before, after in zip(self._first.reported, newest.reported, strict=True):
            if not _less_than(least) <= after - before <= _more_than(most):
                elapsed = least if after - before < least else most
                raise self._error(activity, after - before, elapsed)

    def _error(self, activity: str, reported: float, elapsed: float) -> ClockError:
        return ClockError(
            f"{self._name}, {activity}: {reported:.6g} s passed on the worker's clock, and "
            f"{elapsed:.6g} s on the controller's. Something in the worker has changed its clock, "
            "such as a library that replaces time.perf_counter. Remove it from the workload: no "
            f"step can be timed with it.\n{self._log_end()}"
        )


def _now() -> float:
    """Return the time on the clock that ``time.perf_counter`` reads.

    Libraries that a test may use to set the time, such as freezegun, leave this function alone.
    """
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _more_than(seconds: float) -> float:
    return seconds * (1 + _ROUNDING_SHARE) + _ROUNDING_SECONDS


def _less_than(seconds: float) -> float:
    return seconds * (1 - _ROUNDING_SHARE) - _ROUNDING_SECONDS
