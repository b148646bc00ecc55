"""Run one session: read the baselines, measure each test, and judge it.

A session uses no object of pytest: it takes settings and requests, and returns measurements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import msgspec

from traingate.baselines.index import load_summaries
from traingate.baselines.lookup import Baselines
from traingate.baselines.test_names import is_named
from traingate.comparison.base import Comparison, NoComparison
from traingate.comparison.base_side import BaseSides
from traingate.controller.duet import DuetInterrupted
from traingate.controller.job import Job, Observer
from traingate.controller.measure import Result, measure
from traingate.controller.single_step import take_single_step
from traingate.errors import BaselineError, NewTestError, NoRunError
from traingate.gate.decision import no_baseline
from traingate.gate.limits import violations
from traingate.host.hardware import hardware
from traingate.options import Settings
from traingate.records import Acceptance, Hardware, Measurement, Outcome, Verdict
from traingate.records.masking import masked_measurement
from traingate.records.units import samples_per_dollar
from traingate.report.cautions import cautions
from traingate.report.row import Row
from traingate.report.verdict import interruption_text
from traingate.session.comparisons import ComparisonChooser
from traingate.session.directory import make_directory
from traingate.session.jobs import BenchmarkRequest, JobFactory
from traingate.worktree.removal import Removal

ComparisonFactory: TypeAlias = Callable[[BenchmarkRequest, Job, float], Comparison]
"""Function from a request, its job and its tolerance in percent to the comparison of the test."""


class Session:
    """State of one pytest run that measures.

    Args:
        settings: Settings that the user chose.
        root: Pytest's rootdir; names in records are relative to it.
        search_path: Pytest's ``sys.path``; the worker gets the folders of the project in it.
        comparison_factory: Function that makes each test's comparison; by default the settings
            choose it.

    Attributes:
        settings: Settings of the session.
        root: Pytest's rootdir.
        rows: Rows of the results table, in the order of measuring.
        verdicts: Pairs of a test's full name and its verdict, in the order of measuring. They are
            kept here because a test can catch its failure, or run again.
        refusals: Errors by which tests could not be compared, by full name.
        failures: Texts of the errors by which tests failed, refusals included, by full name.
        used_baselines: Baselines that tests were compared with, by the full name of the test.
        unavailable_tests: Full names of tests with a layer that this machine cannot run.
        stepped_tests: Full names of tests that took a step.
        requested_names: Names of all layers, and of their extras, that tests have requested.
        interruption: Sentence on the test whose comparison was interrupted by Ctrl-C; None if none
            was.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        search_path: Sequence[str],
        comparison_factory: ComparisonFactory | None = None,
    ) -> None:
        self.settings = settings
        self.rows: list[Row] = []
        self.verdicts: list[tuple[str, Verdict]] = []
        self.refusals: dict[str, BaselineError] = {}
        self.failures: dict[str, str] = {}
        self.unavailable_tests: set[str] = set()
        self.stepped_tests: set[str] = set()
        self.requested_names: set[str] = set()
        self.interruption: str | None = None
        self.root = root.resolve()
        self._search_path = search_path
        self._removal = Removal()
        chooser = ComparisonChooser(
            settings,
            self.root,
            lambda: self.base_sides,
            lambda: self.baselines,
            lambda: self.hardware,
        )
        self.used_baselines = chooser.used_baselines
        self._comparison_factory = comparison_factory or chooser.choose

    @cached_property
    def _directory(self) -> Path:
        """Return the private directory for the compile caches, which is made for the first test.

        Raises:
            ConfigurationError: If it cannot be made, or if nothing could remove it.
        """
        return make_directory(self._removal)

    @cached_property
    def base_sides(self) -> BaseSides:
        """Return the base sides of the session's duets.

        Raises:
            ConfigurationError: If the session's directory cannot be made.
        """
        return BaseSides(self.root, self._directory, self._removal, self.settings.base_setup)

    @cached_property
    def jobs(self) -> JobFactory:
        """Return the maker of the jobs of the candidates.

        Raises:
            ConfigurationError: If the session's directory cannot be made.
        """
        return JobFactory(
            self.settings, self.root, self._search_path, self._directory, self.base_sides
        )

    @cached_property
    def hardware(self) -> Hardware:
        """Return the hardware of this machine."""
        return hardware()

    @cached_property
    def baselines(self) -> Baselines:
        """Return the saved runs to compare with.

        Raises:
            BaselineError: If a run cannot be read; or if there is none, or none to compare with on
                this machine, and ``on_missing`` is ``fail``; or if there is none of the name that
                was given.
        """
        missing_fails = self.settings.on_missing == "fail"
        try:
            runs = load_summaries(self.settings.storage, self.settings.compare)
        except NoRunError:
            if missing_fails or self.settings.compare is not True:
                raise
            return Baselines(())
        baselines = Baselines(runs)
        if missing_fails:
            baselines.check_machines(self.hardware)
        return baselines

    def close(self) -> None:
        """Remove the worktrees and the compile caches."""
        self._removal.close()

    def run(self, request: BenchmarkRequest, observer: Observer) -> Result:
        """Measure and judge one test.

        Args:
            request: Request of the test.
            observer: Receiver of the progress.

        Returns:
            The measurement, which carries the verdict, with the profiles that were taken.

        Raises:
            BaselineError: If there is nothing to compare with, and the settings do not allow that.
            ConfigurationError: If the settings do not allow the test to be measured or compared.
            WorkloadError, WorkerError: If ``controller.measure.measure`` raises them.
        """
        job = self.jobs.job_for(request)
        if not self.settings.measures:
            result = take_single_step(job, observer)
            self.stepped_tests.add(request.test)
            return result
        comparison, result = self._measure(request, job, observer)
        self.stepped_tests.add(request.test)
        measurement = result.measurement
        try:
            comparison_result = comparison.conclude(measurement, observer)
        except BaselineError as error:
            fallback = self._without_baseline(request, error)
            comparison_result = fallback.conclude(measurement, observer)
        except KeyboardInterrupt as interrupt:
            pairs = interrupt.pairs if isinstance(interrupt, DuetInterrupted) else ()
            self.interruption = interruption_text(request.test, measurement, pairs)
            raise
        measurement = comparison_result.measurement or measurement
        self.jobs.remember(job, measurement)
        price = self.settings.price
        measurement = msgspec.structs.replace(
            measurement,
            published=request.published,
            verdict=self._final_verdict(request, comparison_result.verdict, measurement),
            duet=comparison_result.duet,
            samples_per_dollar=price and samples_per_dollar(measurement.samples_per_second, price),
        )
        measurement = masked_measurement(self._with_cautions(request, measurement))
        if measurement.verdict is not None:
            self.verdicts.append((request.test, measurement.verdict))
        return replace(result, measurement=measurement, sides=comparison_result.profiles)

    def _with_cautions(self, request: BenchmarkRequest, measurement: Measurement) -> Measurement:
        """Return a measurement whose verdict has the reasons to doubt it in its evidence."""
        verdict, baseline = measurement.verdict, self.used_baselines.get(request.test)
        doubts = cautions(measurement, None if baseline is None else baseline.measurement)
        if verdict is None or not doubts:
            return measurement
        verdict = msgspec.structs.replace(verdict, evidence=(*verdict.evidence, *doubts))
        return msgspec.structs.replace(measurement, verdict=verdict)

    def _measure(
        self, request: BenchmarkRequest, job: Job, observer: Observer
    ) -> tuple[Comparison, Result]:
        """Measure the candidate alone, with as many launches as its comparison asks for."""
        comparison: Comparison

        def look(measurement: Measurement) -> bool:
            nonlocal comparison
            try:
                return comparison.look(measurement)
            except BaselineError as error:  # the batch size shows that there is no baseline
                comparison = self._without_baseline(request, error)
                return comparison.look(measurement)

        try:
            comparison = self._comparison(request, job)
            job = comparison.prepare() or job
        except BaselineError as error:
            comparison = self._without_baseline(request, error)
        result = measure(job, look, observer)
        return comparison, result

    def _without_baseline(self, request: BenchmarkRequest, error: BaselineError) -> Comparison:
        """Return a comparison with nothing; raise *error* instead if the settings forbid that.

        ``on_missing`` allows new tests alone. A test whose stored records do not fit is not new.
        """
        records_new = self.settings.on_missing == "record"
        is_new = isinstance(error, NewTestError)
        if (is_new and records_new) or is_named(request.test, self.settings.allow_missing):
            return NoComparison(self._tolerance(request), str(error))
        if records_new and not isinstance(error, NoRunError):
            error = BaselineError(
                f"{error} (It has a record already, so --traingate-on-missing does not apply to "
                "it; --traingate-allow-missing does.)"
            )
        self.refusals[request.test] = error
        raise error

    def _comparison(self, request: BenchmarkRequest, job: Job) -> Comparison:
        """Return the comparison of the test."""
        return self._comparison_factory(request, job, self._tolerance(request))

    def _tolerance(self, request: BenchmarkRequest) -> float:
        """Return the tolerance of the test in percent: that of its marker, else of the settings."""
        return request.limits.tolerance or self.settings.tolerance

    def _final_verdict(
        self, request: BenchmarkRequest, verdict: Verdict | None, measurement: Measurement
    ) -> Verdict | None:
        """Return *verdict* with ``failed`` set, by its outcome or by a limit of the marker."""
        if verdict is not None:
            is_failure = verdict.outcome is Outcome.REGRESSED or (
                verdict.outcome is Outcome.INCONCLUSIVE and self.settings.on_inconclusive == "fail"
            )
            accepted, reason = verdict.accepted, self.settings.accept
            if is_failure and accepted is None and reason is not None:
                now = datetime.now(timezone.utc).isoformat(timespec="seconds")
                accepted = Acceptance(reason, now)
            failed = is_failure and accepted is None
            verdict = msgspec.structs.replace(verdict, accepted=accepted, failed=failed)
        elif self.settings.accept is not None:  # the record is to be an anchor
            now = datetime.now(timezone.utc).isoformat(timespec="seconds")
            verdict = msgspec.structs.replace(
                no_baseline(measurement, self._tolerance(request), "nothing was to be compared"),
                accepted=Acceptance(self.settings.accept, now),
            )
        broken_limits = violations(request.limits, measurement)
        if not broken_limits:
            return verdict
        verdict = verdict or no_baseline(measurement, self._tolerance(request))
        return msgspec.structs.replace(
            verdict, failed=True, accepted=None, broken_limits=tuple(broken_limits)
        )
