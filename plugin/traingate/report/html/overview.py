"""Prepare the first part of the report: the verdict of each test in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traingate.records import Outcome, Verdict
from traingate.records.results import TestResult
from traingate.report import figures

_MAX_PERCENT: Final = 60.0
"""Largest change that the scale of the intervals reaches."""

_MIN_TOLERANCES: Final = 2.4
"""Least length of that scale, in tolerances: twice the tolerance is always on it."""


@dataclass(frozen=True)
class Chip:
    """Outcome of a test as a word in a coloured frame.

    Attributes:
        text: Word.
        tone: Name of the colour: ``loss``, ``gain``, ``open``, ``fine`` or ``plain``.
    """

    text: str
    tone: str


@dataclass(frozen=True)
class IntervalMark:
    """Small drawing of a change with its interval, on a scale that all tests share.

    Attributes:
        zero: Place of no change, from 0 to 100.
        tolerance: Place of the largest loss that is let through.
        low: Place of the lower end of the interval.
        value: Place of the estimate.
        high: Place of the upper end of the interval.
    """

    zero: float
    tolerance: float
    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Line:
    """Line of the list of verdicts.

    Attributes:
        anchor: Id of the section of the test.
        result: Result of the test.
        chip: Outcome.
        sentence: First line of the verdict, without the outcome.
        change: Change of throughput in percent with its interval; empty if nothing was compared.
        samples: Throughput with its interval; empty if it was not measured.
        mark: Drawing of the change; None if nothing was compared.
        is_notable: True if the test failed, moved, or is open.
    """

    anchor: str
    result: TestResult
    chip: Chip
    sentence: str
    change: str
    samples: str
    mark: IntervalMark | None
    is_notable: bool


def overview(tests: Sequence[TestResult]) -> list[Line]:
    """Return the line of each test, in the order of the results.

    Args:
        tests: Results of the tests.
    """
    verdicts = [test.verdict for test in tests if test.verdict is not None]
    scale = _scale(verdicts)
    return [
        Line(
            anchor=f"test-{number}",
            result=test,
            chip=chip(test),
            sentence=_sentence(test),
            change=figures.change(test.verdict),
            samples=figures.samples(test),
            mark=_mark(test.verdict, scale) if test.verdict is not None else None,
            is_notable=figures.is_notable(test),
        )
        for number, test in enumerate(tests, start=1)
    ]


def chip(test: TestResult) -> Chip:
    """Return the outcome of a test as a word and a colour."""
    verdict = test.verdict
    if test.error:
        return Chip("failed", "loss")
    if verdict is None:
        return Chip("not compared", "loss") if test.failed else Chip("measured", "plain")
    if verdict.accepted is not None:
        return Chip(f"{_word(verdict)}, accepted", "plain")
    if test.failed and verdict.outcome is not Outcome.REGRESSED:
        return Chip(
            "limit broken" if verdict.breaks_a_limit else f"{_word(verdict)}, failed", "loss"
        )
    tones = {
        Outcome.PASSED: "fine",
        Outcome.REGRESSED: "loss",
        Outcome.IMPROVED: "gain",
        Outcome.INCONCLUSIVE: "open",
        Outcome.NO_BASELINE: "plain",
    }
    return Chip(_word(verdict), tones[verdict.outcome])


def _sentence(test: TestResult) -> str:
    """Return the first line of the verdict without the outcome, which the chip shows."""
    outcome = test.verdict.outcome.value if test.verdict is not None else ""
    return test.sentence.removeprefix(f"{outcome}: ")


def _word(verdict: Verdict) -> str:
    return verdict.outcome.value.lower().replace("_", " ")


def _scale(verdicts: Sequence[Verdict]) -> float:
    """Return the largest change that the drawings show, in percent."""
    sizes = [_MIN_TOLERANCES * verdict.tolerance_percent for verdict in verdicts]
    for verdict in verdicts:
        ends = verdict.slowdown_percent_interval or ()
        sizes += [1.05 * abs(end) for end in (*ends, verdict.slowdown_percent or 0.0)]
    return min(_MAX_PERCENT, max(sizes, default=1.0))


def _mark(verdict: Verdict, scale: float) -> IntervalMark | None:
    if verdict.slowdown_percent is None:
        return None

    def place(slowdown: float) -> float:
        return round(50 - 50 * max(-1.0, min(1.0, slowdown / scale)), 2)

    value = verdict.slowdown_percent
    low, high = verdict.slowdown_percent_interval or (value, value)
    return IntervalMark(
        zero=place(0.0),
        tolerance=place(verdict.tolerance_percent),
        low=place(high),
        value=place(value),
        high=place(low),
    )
