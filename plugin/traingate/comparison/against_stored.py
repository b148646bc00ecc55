"""Judge a test by stored launches, and by a duet if the launches leave doubt.

New launches are first compared with the stored ones, which is the screen. A test that the screen
cannot pass is compared with the baseline's commit by a duet if only the code can differ, and with
the stored launches by more launches if the environment differs. ``next_step`` has these rules.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from traingate.baselines.lookup import Baseline, BaselineFinder, Subject
from traingate.comparison.base import ComparisonResult
from traingate.comparison.base_side import BaseSides
from traingate.comparison.duet import MIN_PAIRS, DuetResult, compare_by_duet
from traingate.comparison.evidence import attribute
from traingate.comparison.next_step import CodeRelation, Step, next_step
from traingate.comparison.screen import Screen, check_launch_count, screen
from traingate.controller.job import Job, Observer
from traingate.controller.measure import layer_records, measure
from traingate.errors import TraingateError
from traingate.gate.policy import Policy
from traingate.options import Settings
from traingate.records import Measurement


class AgainstStored:
    """Comparison with the stored launches of one test.

    Args:
        settings: Settings of the session.
        tolerance: Largest loss of throughput that is let through, in percent.
        job: Job of the candidate.
        base_sides: Worktrees of the session.
        find: Function that finds the baseline of a subject.
    """

    def __init__(
        self,
        settings: Settings,
        tolerance: float,
        job: Job,
        base_sides: BaseSides,
        find: BaselineFinder,
    ) -> None:
        self._settings, self._tolerance = settings, tolerance
        self._job, self._base_sides = job, base_sides
        self._find = find
        self._policy = Policy(tolerance / 100, job.launches.planned, job.launches.maximum)
        self._baseline: Baseline | None = None
        self._screen: Screen | None = None
        self._obstacle: str | None = None
        self._measured_job = job

    def prepare(self) -> Job:
        """Check that there is a baseline, as far as possible without knowing the batch size.

        Returns:
            The job with as many steps as the stored launches have, so that steps with the same
            number can be compared; the number that the user has chosen is kept.

        Raises:
            BaselineError: If there is none, or too few launches to judge by.
        """
        launches = self._find_baseline(None).launches
        job = self._job
        self._measured_job = replace(
            job,
            steps=job.steps or len(launches[-1].step_seconds),
            warmup_steps=max(launch.warmup_steps for launch in launches),
        )
        return self._measured_job

    def look(self, measurement: Measurement) -> bool:
        """Screen the launches so far, and return whether they are enough."""
        if self._baseline is None:
            self._baseline = self._find_baseline(measurement.batch_size)
        self._screen = screen(self._baseline, measurement, self._policy)
        return self._next_step(measurement) is not Step.MEASURE_MORE

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict; measure a duet, or more launches, if that is the next step."""
        duet_result, longer_measurement = None, None
        if self._next_step(measurement) is Step.DUET:
            duet_result = self._by_duet(measurement, observer)
        if self._next_step(measurement) is Step.MEASURE_MORE:  # a duet was tried, and failed
            result = measure(
                self._measured_job, self.look, observer, earlier_measurement=measurement
            )
            longer_measurement = result.measurement
        assert self._screen is not None
        verdict = attribute(self._screen, self._base_code(), duet_result, self._obstacle)
        duet = None if duet_result is None else duet_result.duet
        return ComparisonResult(verdict, duet, longer_measurement)

    def _find_baseline(self, batch_size: int | None) -> Baseline:
        job = self._job
        baseline = self._find(
            Subject(job.identity, layer_records(job.stack), job.scale.name, batch_size)
        )
        check_launch_count(baseline, job.launches.maximum)
        return baseline

    def _next_step(self, measurement: Measurement) -> Step:
        assert self._screen is not None
        launches_left = len(measurement.launches) < self._job.launches.maximum
        return next_step(self._screen, self._base_code(), launches_left=launches_left)

    def _base_code(self) -> CodeRelation:
        return CodeRelation.UNAVAILABLE if self._obstacle else self._compared_code

    @cached_property
    def _compared_code(self) -> CodeRelation:
        """Return how the working tree differs from the baseline's commit, if a duet is possible."""
        assert self._baseline is not None
        commit = self._baseline.commit
        max_pairs = self._settings.max_pairs
        if commit is None or max_pairs < MIN_PAIRS or self._job.stack.spans_nodes:
            return CodeRelation.UNAVAILABLE
        return self._base_sides.compare_code(self._job, commit)

    def _by_duet(self, measurement: Measurement, observer: Observer) -> DuetResult | None:
        """Return the result of a duet; keep the obstacle and return None if it fails."""
        assert self._baseline is not None
        try:
            base = self._base_sides.job_for(self._job, self._baseline.commit, None)
            return compare_by_duet(
                self._job,
                base,
                measurement,
                observer,
                tolerance=self._tolerance,
                max_pairs=self._settings.max_pairs,
            )
        except TraingateError as error:  # not the candidate's: it has just been measured alone
            self._obstacle = f"a duet against the baseline's commit could not be measured: {error}"
            return None
