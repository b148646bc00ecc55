"""Judge a test by stored launches, and by a duet if the launches leave doubt.

New launches are first compared with the stored ones, which is the screen. A test that the screen
cannot pass is compared with the baseline's commit by a duet if only the code can differ, and with
the stored launches by more launches if the environment differs. ``next_step`` has these rules.
Stored launches of another machine screen nothing: only a duet with their commit can decide.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

from traingate.baselines.comparability import environment_changes
from traingate.baselines.lookup import Baseline, BaselineFinder
from traingate.baselines.run_files import SAVE_REMEDY
from traingate.baselines.subject import Subject
from traingate.comparison.base import ComparisonResult
from traingate.comparison.base_side import BaseSides
from traingate.comparison.duet import MIN_PAIRS, DuetResult, compare_by_duet
from traingate.comparison.evidence import attribute, attribute_on_another_machine
from traingate.comparison.explanation import explain_by_stored_profile
from traingate.comparison.next_step import CodeRelation, Step, next_step
from traingate.comparison.screen import Screen, check_launch_count, screen
from traingate.controller.job import Job, Observer
from traingate.controller.measure import layer_records, measure
from traingate.errors import BaselineError, EditedFileError, TraingateError
from traingate.gate.policy import Policy
from traingate.options import Settings
from traingate.records import Measurement
from traingate.report.results import short_error


def can_measure_duet(settings: Settings, job: Job, base_sides: BaseSides, commit: str) -> bool:
    """Return whether a duet of *job* with *commit* can be measured.

    Args:
        settings: Settings of the session.
        job: Job of the candidate.
        base_sides: Worktrees of the session.
        commit: Full name of a commit.
    """
    return _code_relation(settings, job, base_sides, commit) is not CodeRelation.UNAVAILABLE


def _code_relation(
    settings: Settings, job: Job, base_sides: BaseSides, commit: str | None
) -> CodeRelation:
    """Return how the working tree differs from *commit*, if a duet with it is possible."""
    if commit is None or settings.max_pairs < MIN_PAIRS or job.stack.spans_nodes:
        return CodeRelation.UNAVAILABLE
    return base_sides.compare_code(job, commit)


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
        self._duet_passes = False
        self._measured_job = job

    def prepare(self) -> Job:
        """Check that there is a baseline, as far as possible without knowing the worker's facts.

        Returns:
            The job with as many steps as the stored launches have, so that steps with the same
            number can be compared; the number that the user has chosen is kept.

        Raises:
            BaselineError: If there is none, or too few launches to judge by.
        """
        baseline, job = self._find_baseline(None), self._job
        if not baseline.machine_differences:
            self._measured_job = replace(
                job,
                steps=job.steps or len(baseline.launches[-1].step_seconds),
                warmup_steps=max(launch.warmup_steps for launch in baseline.launches),
            )
        return self._measured_job

    def look(self, measurement: Measurement) -> bool:
        """Screen the launches so far, and return whether they are enough."""
        if self._baseline is None:
            self._baseline = self._find_baseline(measurement)
        if self._baseline.machine_differences:
            return True
        self._screen = screen(self._baseline, measurement, self._policy)
        return self._next_step(measurement) is not Step.MEASURE_MORE

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Return the verdict; measure a duet, or more launches, if that is the next step.

        Raises:
            BaselineError: If the baseline is of another machine, and the duet with its commit
                could not be measured.
        """
        assert self._baseline is not None
        if self._baseline.machine_differences:
            return self._by_duet_on_another_machine(self._baseline, measurement, observer)
        duet_result, longer_measurement = None, None
        if self._next_step(measurement) is Step.DUET:
            duet_result = self._by_duet(measurement, observer)
            self._duet_passes = duet_result is not None and duet_result.passes
        # After a duet that could not be measured, or that leaves a slowdown unexplained.
        if self._next_step(measurement) is Step.MEASURE_MORE:
            result = measure(
                self._measured_job, self.look, observer, earlier_measurement=measurement
            )
            longer_measurement = result.measurement
        assert self._screen is not None
        code = self._base_code(longer_measurement or measurement)
        verdict = attribute(self._screen, code, duet_result, self._obstacle, self._missing_commit())
        verdict = explain_by_stored_profile(
            verdict, self._baseline.measurement, longer_measurement or measurement
        )
        if duet_result is None:
            return ComparisonResult(verdict, None, longer_measurement)
        return ComparisonResult(verdict, duet_result.duet, longer_measurement, duet_result.profiles)

    def _by_duet_on_another_machine(
        self, baseline: Baseline, measurement: Measurement, observer: Observer
    ) -> ComparisonResult:
        """Return the verdict of a duet with the commit of a baseline of another machine."""
        duet_result = self._by_duet(measurement, observer)
        if duet_result is None:
            differences = "; ".join(baseline.machine_differences)
            raise BaselineError(
                f"{baseline.title} is of another machine ({differences}). {SAVE_REMEDY} For now, "
                f"{self._obstacle}"
            )
        record = baseline.measurement
        verdict = attribute_on_another_machine(
            duet_result.verdict,
            baseline,
            self._compared_code,
            environment_changes(record.environment, measurement.environment),
        )
        return ComparisonResult(verdict, duet_result.duet, profiles=duet_result.profiles)

    def _find_baseline(self, measurement: Measurement | None) -> Baseline:
        """Return the baseline, and check that something can be compared with it.

        Args:
            measurement: Launches so far, None before the first one.
        """
        job = self._job
        subject = Subject(
            job.identity,
            layer_records(job.stack),
            job.scale.name,
            environment_name=job.environment.name,
        )
        if measurement is not None:
            subject = replace(
                subject, batch_size=measurement.batch_size, environment=measurement.environment
            )
        baseline = self._find(subject)
        if not baseline.machine_differences:
            check_launch_count(baseline, job.launches.maximum)
        return baseline

    def _next_step(self, measurement: Measurement) -> Step:
        assert self._screen is not None
        launches_left = len(measurement.launches) < self._job.launches.maximum
        return next_step(
            self._screen,
            self._base_code(measurement),
            launches_left=launches_left,
            duet_passes=self._duet_passes,
        )

    def _base_code(self, measurement: Measurement) -> CodeRelation:
        """Return how the code that was measured differs from the baseline's.

        git compares tracked files alone, and the launches know which files they imported. Launches
        of an older version do not, so nothing is known to be the same.
        """
        if self._obstacle:
            return CodeRelation.UNAVAILABLE
        assert self._baseline is not None
        launches = (*self._baseline.launches, *measurement.launches)
        digests = {launch.imported_files_digest for launch in launches}
        is_same = self._compared_code is CodeRelation.SAME
        if is_same and (len(digests) > 1 or "" in digests):
            return CodeRelation.DIFFERENT
        return self._compared_code

    @cached_property
    def _compared_code(self) -> CodeRelation:
        """Return how the working tree differs from the baseline's commit, if a duet is possible."""
        assert self._baseline is not None
        return _code_relation(self._settings, self._job, self._base_sides, self._baseline.commit)

    def _missing_commit(self) -> str | None:
        """Return how to get the baseline's commit if the repository lacks it, else None."""
        assert self._baseline is not None
        commit = self._baseline.commit
        if commit is None or self._compared_code is not CodeRelation.UNAVAILABLE:
            return None
        return self._base_sides.missing_commit(self._job, commit)

    def _by_duet(self, measurement: Measurement, observer: Observer) -> DuetResult | None:
        """Return the result of a duet; keep the obstacle and return None if it fails.

        Raises:
            EditedFileError: If a file of the candidate was edited.
        """
        assert self._baseline is not None
        try:
            base = self._base_sides.job_for(self._job, self._baseline.commit)
            result = compare_by_duet(
                self._job,
                base,
                measurement,
                observer,
                tolerance=self._tolerance,
                max_pairs=self._settings.max_pairs,
            )
        except EditedFileError:
            raise  # the launches before it are of other code too
        except TraingateError as error:  # of the base: the candidate was just measured alone
            reason = short_error(error)
            self._obstacle = f"a duet against the baseline's commit could not be measured: {reason}"
            return None
        self._base_sides.remember_memory(base, result.duet)
        return result
