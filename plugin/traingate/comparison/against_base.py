"""Judge a test by a duet with another commit, another interpreter, or both."""

from __future__ import annotations

from functools import cached_property

from traingate.comparison.base import Judged, Undecided
from traingate.comparison.base_side import Bases
from traingate.comparison.duet import LEAST_PAIRS, settle
from traingate.comparison.evidence import because
from traingate.controller.job import Job, Observer
from traingate.errors import ConfigurationError
from traingate.options import Settings
from traingate.records import Measurement, Outcome, Verdict


class AgainstSide(Undecided):
    """By a duet with another commit, another interpreter, or both."""

    def __init__(self, settings: Settings, tolerance: float, job: Job, bases: Bases) -> None:
        self._settings, self._tolerance, self._job, self._bases = settings, tolerance, job, bases

    def prepare(self) -> None:
        """Check the base out."""
        settings = self._settings
        if self._job.stack.spans_nodes:
            raise ConfigurationError("a duet cannot be stepped in turn across several nodes")
        if settings.launches is not None and settings.launches < LEAST_PAIRS:
            raise ConfigurationError(
                "a duet of one pair has no spread to judge by: raise --traingate-launches"
            )
        _ = self._base

    @cached_property
    def _base(self) -> Job:
        return self._bases.of(self._job, self._settings.against, self._settings.against_python)

    def judged(self, measurement: Measurement, observer: Observer) -> Judged:
        """By the duet."""
        most = self._settings.most_pairs
        settled = settle(
            self._job, self._base, measurement, observer, tolerance=self._tolerance, most=most
        )
        verdict = settled.verdict
        if verdict.outcome is Outcome.REGRESSED:
            verdict = self._attributed(verdict)
        return Judged(verdict, settled.duet)

    def _attributed(self, verdict: Verdict) -> Verdict:
        """By what differs between the sides."""
        against, python = self._settings.against, self._settings.against_python
        if against is None or python is not None:
            return because(verdict, "environment" if against is None else "either")
        if self._bases.is_at(self._job, against):
            why = f"the tree is {against}'s own: only files that git does not know can differ"
            return because(verdict, None, why)
        return because(verdict, "code")
