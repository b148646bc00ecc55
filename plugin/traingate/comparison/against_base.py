"""Judge a test by a duet with another commit, another interpreter, or both."""

from __future__ import annotations

from functools import cached_property

from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.comparison.base_side import BaseSides
from traingate.comparison.duet import MIN_PAIRS, compare_by_duet
from traingate.comparison.evidence import attribute_sides
from traingate.comparison.next_step import CodeRelation
from traingate.controller.job import Job, Observer
from traingate.errors import ConfigurationError
from traingate.options import Settings
from traingate.records import Measurement


class AgainstBase(PlannedLaunches):
    """Comparison with the base of ``--traingate-against`` and ``--traingate-against-python``.

    Args:
        settings: Settings of the session.
        tolerance: Largest loss of throughput that is let through, in percent.
        job: Job of the candidate.
        base_sides: Worktrees and interpreters of the session.
    """

    def __init__(
        self, settings: Settings, tolerance: float, job: Job, base_sides: BaseSides
    ) -> None:
        self._settings, self._tolerance = settings, tolerance
        self._job, self._base_sides = job, base_sides

    def prepare(self) -> None:
        """Check the base out, after checking that a duet is possible.

        Raises:
            BaselineError: If the commit does not define the workload.
            ConfigurationError: If there is no such commit, if the interpreter cannot be used, or if
                no duet is possible.
        """
        settings = self._settings
        if self._job.stack.spans_nodes:
            raise ConfigurationError("a duet cannot be stepped in turn across several nodes")
        if settings.launches is not None and settings.launches < MIN_PAIRS:
            raise ConfigurationError(
                "a duet of one pair has no spread to judge by: raise --traingate-launches"
            )
        _ = self._base

    @cached_property
    def _base(self) -> Job:
        settings = self._settings
        return self._base_sides.job_for(self._job, settings.against, settings.against_python)

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict of the duet."""
        reference = self._settings.against
        result = compare_by_duet(
            self._job,
            self._base,
            measurement,
            observer,
            tolerance=self._tolerance,
            max_pairs=self._settings.max_pairs,
        )
        self._base_sides.remember_memory(self._base, result.duet)
        verdict = attribute_sides(
            result.verdict,
            reference=reference,
            other_python=self._settings.against_python is not None,
            code=(
                CodeRelation.UNAVAILABLE
                if reference is None
                else self._base_sides.compare_code(self._job, reference)
            ),
        )
        return ComparisonResult(verdict, result.duet)
