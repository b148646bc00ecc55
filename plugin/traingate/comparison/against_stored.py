"""One test's way to a verdict: by a duet that was asked for, or screened by stored launches.

Screen, then settle: the stored baseline passes what it can at the first look. What it cannot is
settled by a duet against the baseline's commit, where only the code can differ; where the
environment differs, by more launches against the stored ones.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.baselines.lookup import Baseline, Finder, Subject
from traingate.comparison.base import Judged
from traingate.comparison.base_side import Bases
from traingate.comparison.duet import LEAST_PAIRS, Settled, settle
from traingate.comparison.evidence import because, beside, seen
from traingate.controller.job import Job, Observer
from traingate.controller.measure import layer_records, measure
from traingate.errors import BaselineError, TraingateError
from traingate.gate.counters import shifts, stored_faults, with_faults
from traingate.gate.decision import judge
from traingate.gate.policy import LEAST_LAUNCHES, Policy
from traingate.options import Settings
from traingate.records import Measurement, Outcome, Verdict


class AgainstStored:
    """Screened by a stored baseline, and settled where that leaves doubt."""

    def __init__(
        self,
        settings: Settings,
        tolerance: float,
        job: Job,
        bases: Bases,
        find: Finder,
    ) -> None:
        self._settings, self._tolerance, self._job, self._bases = settings, tolerance, job, bases
        self._find = find
        self._baseline: Baseline
        self._policy = Policy(tolerance / 100, job.launches.planned, job.launches.most)

    def prepare(self) -> None:
        """Find the baseline, as far as that is possible without the worker's batch size."""
        self._look_for(None)

    def _look_for(self, batch_size: int | None) -> None:
        job = self._job
        self._baseline = self._find(
            Subject(job.identity, layer_records(job.stack), job.scale.name, batch_size)
        )
        stored, most = len(self._baseline.launches), job.launches.most
        if stored + most < LEAST_LAUNCHES:
            raise BaselineError(
                f"{stored} stored launch and {most} new one have no spread to judge by: raise "
                "--traingate-launches."
            )

    def decided(self, measurement: Measurement) -> bool:
        """Whether the stored launches decide, or leave the decision to a duet."""
        if self._baseline.measurement.batch_size != measurement.batch_size:
            self._look_for(measurement.batch_size)
        if self._screened(measurement):
            return True
        return bool(self._faults(measurement)) or self._commit(measurement) is not None

    def judged(self, measurement: Measurement, observer: Observer) -> Judged:
        """Screen, then settle."""
        screen = self._screen(measurement)
        changes = self._changes(measurement)
        found = self._faults(measurement)
        evidence = (*changes, *shifts(self._baseline.measurement.account, measurement.account))
        screen = msgspec.structs.replace(screen, baseline=self._baseline.title, evidence=evidence)
        if found:
            either = msgspec.structs.replace(screen, cause="either" if changes else None)
            return Judged(with_faults(either, found))
        if screen.outcome in {Outcome.PASSED, Outcome.IMPROVED}:
            return Judged(screen)
        commit = self._commit(measurement)
        if commit is not None:
            return self._settled(commit, screen, measurement, observer)
        if screen.outcome is not Outcome.REGRESSED:
            return self._searched(screen, changes, measurement, observer)
        return self._explained(screen, changes, measurement, observer)

    def _screen(self, measurement: Measurement) -> Verdict:
        stored = self._baseline.launches
        return judge(stored, measurement.launches, measurement.batch_size, self._policy)

    def _faults(self, measurement: Measurement) -> list[str]:
        return stored_faults(self._baseline.measurement, measurement)

    def _changes(self, measurement: Measurement) -> list[str]:
        stored = self._baseline.measurement.environment
        return environment_changes(stored, measurement.environment)

    def _commit(self, measurement: Measurement) -> str | None:
        """The baseline's commit, where a duet against it can settle; None where it cannot."""
        return None if self._changes(measurement) else self._reachable()

    def _reachable(self) -> str | None:
        """The baseline's commit, where a duet against it is possible at all."""
        commit, repository = self._baseline.commit, self._bases.repository(self._job)
        possible = self._settings.most_pairs >= LEAST_PAIRS and not self._job.stack.spans_nodes
        if commit is None or repository is None or not possible:
            return None
        return commit if repository.has(commit, Path(self._job.workload.file)) else None

    def _duet(self, commit: str, measurement: Measurement, observer: Observer) -> Settled | str:
        """The duet against the baseline's commit, or why there can be none."""
        try:
            base = self._bases.of(self._job, commit, None)
            return settle(
                self._job, base, measurement, observer,
                tolerance=self._tolerance, most=self._settings.most_pairs,
            )  # fmt: skip
        except TraingateError as error:  # the candidate itself has just been measured
            return f"a duet against the baseline's commit could not settle it: {error}"

    def _settled(
        self, commit: str, screen: Verdict, measurement: Measurement, observer: Observer
    ) -> Judged:
        """By a duet against the baseline's commit: the code alone can differ."""
        settled = self._duet(commit, measurement, observer)
        if isinstance(settled, str):
            return self._measured_on(settled, screen, measurement, observer)
        verdict = settled.verdict
        code = verdict.outcome is Outcome.REGRESSED and not self._bases.is_at(self._job, commit)
        doubt = (
            f"screened by {self._baseline.title}: {seen(screen)} beside "
            f"its {screen.baseline_launches} launches, which a duet had to settle"
        )
        if screen.outcome is Outcome.REGRESSED and verdict.outcome is Outcome.PASSED:
            doubt += "; not by the code: the machine, or what no record lists, is slower than then"
        return Judged(because(verdict, "code" if code else None, doubt), settled.duet)

    def _measured_on(
        self, why: str, screen: Verdict, measurement: Measurement, observer: Observer
    ) -> Judged:
        """By more launches beside the stored ones, since there can be no duet."""
        more, job = None, self._job
        if screen.outcome is Outcome.INCONCLUSIVE and len(measurement.launches) < job.launches.most:
            more = measure(job, self._screened, observer, earlier=measurement).measurement
            found = self._screen(more)
            screen = msgspec.structs.replace(
                found, baseline=screen.baseline, evidence=screen.evidence
            )
        return Judged(because(screen, None, why), measurement=more)

    def _screened(self, measurement: Measurement) -> bool:
        return self._screen(measurement).outcome is not Outcome.INCONCLUSIVE

    def _searched(
        self, screen: Verdict, changes: list[str], measurement: Measurement, observer: Observer
    ) -> Judged:
        """Launches ran out in another environment: the code's own part can still be told."""
        commit = self._reachable() if changes else None
        if commit is None or self._bases.is_at(self._job, commit):
            return Judged(screen)
        settled = self._duet(commit, measurement, observer)
        if isinstance(settled, str):
            return Judged(because(screen, None, settled))
        if settled.verdict.outcome is not Outcome.REGRESSED:
            return Judged(because(screen, None, beside(settled)), settled.duet)
        why = f"beside {screen.baseline} it is {seen(screen)}, in another environment"
        return Judged(because(settled.verdict, "code", *changes, why), settled.duet)

    def _explained(
        self, screen: Verdict, changes: list[str], measurement: Measurement, observer: Observer
    ) -> Judged:
        """More launches have found it slower: by the code's doing, or by the environment's."""
        commit = self._reachable()
        if commit is None:
            why = "whether the code has a part in it cannot be told without the baseline's commit"
            return Judged(because(screen, "either" if changes else None, why))
        if self._bases.is_at(self._job, commit):
            return Judged(because(screen, "environment", "the code is the baseline's own"))
        settled = self._duet(commit, measurement, observer)
        if isinstance(settled, str):
            return Judged(because(screen, "either", f"the code differs too; {settled}"))
        causes = {Outcome.REGRESSED: "both", Outcome.INCONCLUSIVE: "either"}
        cause = causes.get(settled.verdict.outcome, "environment")
        return Judged(because(screen, cause, beside(settled)), settled.duet)
