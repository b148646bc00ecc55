"""Replay measured steps to pytest-benchmark, through its public interface alone.

The steps were taken earlier, in another process. pytest-benchmark reads a timer before and after
each round. The clock of this module shows 0 before a round and the seconds of a step after it, so
that each round lasts exactly as long as its step did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

import pytest

from traingate.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class ReplayClock:
    """Clock that the ``benchmark`` marker of one test sets as its timer."""

    def __init__(self) -> None:
        self._now = 0.0
        self._remaining_steps: list[float] = []
        self._is_replaying = False

    def __call__(self) -> float:
        """Return the time of the clock, in seconds.

        Raises:
            ConfigurationError: If the test itself calls pytest-benchmark's fixture, whose timer
                this is.
        """
        if not self._is_replaying:
            raise ConfigurationError(
                "benchmark was called in a test that requests training_benchmark, and "
                "pytest-benchmark records one result per test: split the test"
            )
        return self._now

    def replay(self, benchmark: BenchmarkFixture, step_seconds: Sequence[float]) -> None:
        """Record each step as one round.

        Args:
            benchmark: Fixture of pytest-benchmark, whose timer is this clock.
            step_seconds: Seconds of each step, in the order of measuring.
        """
        self._remaining_steps = list(reversed(step_seconds))
        self._is_replaying = True
        try:
            benchmark.pedantic(  # type: ignore[no-untyped-call] # pytest-benchmark has no types
                self._advance, setup=self._reset, rounds=len(step_seconds)
            )
        finally:
            self._is_replaying = False

    def _reset(self) -> None:
        self._now = 0.0

    def _advance(self) -> None:
        # With --benchmark-cprofile, pytest-benchmark calls it again after the last round.
        if self._remaining_steps:
            self._now = self._remaining_steps.pop()


CLOCK_KEY: pytest.StashKey[ReplayClock] = pytest.StashKey()
"""Key of a test's clock in ``item.stash``."""


def attach_clock(item: pytest.Item) -> None:
    """Give a test a clock, which is the timer of its ``benchmark`` marker.

    Args:
        item: Test. If it has a ``benchmark`` marker already, its other keywords are kept.
    """
    clock = item.stash[CLOCK_KEY] = ReplayClock()
    marker = item.get_closest_marker("benchmark")
    keywords = {**(marker.kwargs if marker else {}), "timer": clock}
    item.add_marker(pytest.mark.benchmark(**keywords), append=False)


def can_record(config: pytest.Config) -> bool:
    """Return whether pytest-benchmark is loaded, under whatever name (``-p no:benchmark``)."""
    names = (getattr(plugin, "__name__", "") for plugin in config.pluginmanager.get_plugins())
    return "pytest_benchmark.plugin" in names


def is_recorder(benchmark: object) -> bool:
    """Return whether the fixture *benchmark* is that of pytest-benchmark.

    That of pytest-codspeed takes its place, and has a ``__class__`` that is not its own.
    """
    return type(benchmark).__module__.partition(".")[0] == "pytest_benchmark"


class WithoutRecorder:
    """Fixtures for a run without pytest-benchmark, in which only tests that need it fail."""

    @pytest.fixture
    def training_benchmark(self) -> NoReturn:
        """Fail the test, and say what is missing."""
        pytest.fail(
            "training_benchmark records its steps with pytest-benchmark, which this run has not "
            "loaded. Drop -p no:benchmark, or load it with -p pytest_benchmark.plugin.",
            pytrace=False,
        )
