"""Hand measured steps to pytest-benchmark, by its public interface alone.

The steps were taken in another process, and are over. pytest-benchmark reads a timer before
and after each round; this clock stands at 0 before it, and at the step's seconds after it,
so that each round lasts exactly as long as its step did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class ReplayClock:
    """The timer of one test's ``benchmark`` marker."""

    def __init__(self) -> None:
        self._now = 0.0
        self._left: list[float] = []

    def __call__(self) -> float:
        """The time, in seconds."""
        return self._now

    def replay(self, benchmark: BenchmarkFixture, step_seconds: Sequence[float]) -> None:
        """Record each of ``step_seconds`` as one round of ``benchmark``."""
        self._left = list(reversed(step_seconds))
        benchmark.pedantic(  # type: ignore[no-untyped-call] # pytest-benchmark has no types
            self._play, setup=self._rewind, rounds=len(step_seconds)
        )

    def _rewind(self) -> None:
        self._now = 0.0

    def _play(self) -> None:
        if self._left:  # pytest-benchmark calls once more where it profiles
            self._now = self._left.pop()


CLOCK_KEY: pytest.StashKey[ReplayClock] = pytest.StashKey()
"""In a test's stash: the clock that its marker names."""


def attach(item: pytest.Item) -> None:
    """Give ``item`` a clock, keeping whatever else its own ``benchmark`` marker says."""
    clock = item.stash[CLOCK_KEY] = ReplayClock()
    given = item.get_closest_marker("benchmark")
    keywords = {**(given.kwargs if given else {}), "timer": clock}
    item.add_marker(pytest.mark.benchmark(**keywords), append=False)
