"""Define the protocol of a comparison, and the case in which a test is compared with nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from traingate.controller.job import Job, Observer
from traingate.controller.profiling import SideProfiles
from traingate.gate.decision import no_baseline
from traingate.records import Duet, Measurement, Verdict


@dataclass(frozen=True)
class ComparisonResult:
    """Result of judging one test.

    Attributes:
        verdict: Decision with its evidence, None if no comparison was requested.
        duet: Pairs that were measured for the verdict, None if there were none.
        measurement: Measurement of the candidate with the further launches that were measured for
            the verdict, None if there were none.
        profiles: Profiles of both sides of the duet, None if they were not taken.
    """

    verdict: Verdict | None
    duet: Duet | None = None
    measurement: Measurement | None = None
    profiles: SideProfiles | None = None


class Comparison(Protocol):
    """Way to judge one test; the session calls the methods in the order given here."""

    def prepare(self) -> Job | None:
        """Find the other side before anything is measured.

        Returns:
            The candidate's job with the number of steps that the other side's launches have; None
            if its job is to be measured as it is.

        Raises:
            BaselineError: If there is none.
        """

    def look(self, measurement: Measurement) -> bool:
        """Look at the launches so far, and keep the result for ``conclude``.

        Returns:
            True if no further launch of the candidate alone is needed.
        """

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict on the launches of the last look; measure on if that is needed."""


class PlannedLaunches:
    """Part of a comparison that needs no baseline and stops after the planned launches."""

    def prepare(self) -> Job | None:
        """Return None: there is nothing to find."""
        return None

    def look(self, _measurement: Measurement) -> bool:
        """Return True: the planned launches give the throughput, and decide nothing."""
        return True


class NoComparison(PlannedLaunches):
    """Comparison of a test with nothing.

    Args:
        tolerance: Tolerance in percent, for the record.
        reason: Reason for the lack of a baseline; None if no comparison was requested.
    """

    def __init__(self, tolerance: float, reason: str | None = None) -> None:
        self._tolerance, self._reason = tolerance, reason

    def conclude(self, measurement: Measurement, _observer: Observer) -> ComparisonResult:
        """Return NO_BASELINE if there is a reason to give, else no verdict."""
        if self._reason is None:
            return ComparisonResult(None)
        return ComparisonResult(no_baseline(measurement, self._tolerance, self._reason))
