"""Format the figures of results, for Markdown and for pages."""

from __future__ import annotations

from typing import Final

from traingate.records import Interval, Outcome, Verdict
from traingate.records.results import TestResult

_NOTABLE: Final = frozenset({Outcome.REGRESSED, Outcome.IMPROVED, Outcome.INCONCLUSIVE})


def is_notable(result: TestResult) -> bool:
    """Return whether a test failed, moved, or is open."""
    moved = result.verdict is not None and result.verdict.outcome in _NOTABLE
    return result.failed or moved


def samples(result: TestResult) -> str:
    """Return the throughput with its interval; empty if it was not measured."""
    value, interval = result.samples_per_second, result.samples_per_second_interval
    if value is None:
        return ""
    return f"{value:.4g}" + (f" ({interval[0]:.4g} to {interval[1]:.4g})" if interval else "")


def change(verdict: Verdict | None) -> str:
    """Return the change of throughput in percent, negative for a loss, with its interval."""
    if verdict is None or verdict.slowdown_percent is None:
        return ""
    interval = verdict.slowdown_percent_interval
    return percent(-verdict.slowdown_percent, interval and (-interval[1], -interval[0]))


def ratio(value: float, interval: Interval | None) -> str:
    """Return a ratio as a change in percent, with its interval."""
    ends = interval and (100 * (interval[0] - 1), 100 * (interval[1] - 1))
    return percent(100 * (value - 1), ends)


def percent(value: float, interval: Interval | None) -> str:
    """Return a change in percent, with its interval."""
    text = f"{value:+.1f} %"
    return text + (f" ({interval[0]:+.1f} to {interval[1]:+.1f})" if interval else "")
