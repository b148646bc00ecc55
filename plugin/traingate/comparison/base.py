"""How one test is judged: the protocol, and the case without any comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from traingate.controller.job import Observer
from traingate.gate.decision import unjudged
from traingate.records import Duet, Measurement, Verdict


@dataclass(frozen=True)
class Judged:
    """What a comparison came to.

    Attributes:
        verdict: None where nothing was asked for.
        duet: where there was one.
        measurement: of the candidate, where judging it took further launches.
    """

    verdict: Verdict | None
    duet: Duet | None = None
    measurement: Measurement | None = None


class Comparison(Protocol):
    """How one test is judged."""

    def prepare(self) -> None:
        """Find what to compare with, before anything is measured; BaselineError if nothing."""

    def decided(self, measurement: Measurement) -> bool:
        """Whether no further launch of the candidate alone is needed."""

    def judged(self, measurement: Measurement, observer: Observer) -> Judged:
        """The verdict; measures on where that is needed."""


class Undecided:
    """The part of a comparison that needs no baseline, and no more than the planned launches."""

    def prepare(self) -> None:
        """Nothing to find."""

    def decided(self, _measurement: Measurement) -> bool:
        """The planned launches give the throughput; they decide nothing."""
        return True


class Unjudged(Undecided):
    """Nothing was asked for, or there is nothing to compare with."""

    def __init__(self, tolerance: float, reason: str | None = None) -> None:
        self._tolerance, self._reason = tolerance, reason

    def judged(self, measurement: Measurement, _observer: Observer) -> Judged:
        """NO_BASELINE where there is a reason to give."""
        if self._reason is None:
            return Judged(None)
        return Judged(unjudged(measurement, self._tolerance, self._reason))
