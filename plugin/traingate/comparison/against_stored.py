"""One test's way to a verdict: by a duet that was asked for, or screened by stored launches.

Screen, then settle: the stored baseline passes what it can at the first look. What it cannot is
settled by a duet against the baseline's commit, where only the code can differ; where the
environment differs, by more launches against the stored ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import msgspec

from traingate.baselines import saved_runs
from traingate.baselines.comparability import environment_changes
from traingate.comparison.base_side import LEAST_PAIRS, Bases, Settled, settle
from traingate.controller.job import Job, Observer
from traingate.controller.measure import layer_records, measure
from traingate.errors import BaselineError, ConfigurationError, TraingateError
from traingate.gate.counters import shifts, stored_faults, with_faults
from traingate.gate.decision import LEAST_LAUNCHES, Policy, judge, unjudged
from traingate.options import Settings
from traingate.records import Duet, Measurement, Outcome, Verdict
from traingate.report.verdict import loss


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
            return _because(verdict, "environment" if against is None else "either")
        if self._bases.is_at(self._job, against):
            why = f"the tree is {against}'s own: only files that git does not know can differ"
            return _because(verdict, None, why)
        return _because(verdict, "code")


class AgainstStored:
    """Screened by a stored baseline, and settled where that leaves doubt."""

    def __init__(
        self,
        settings: Settings,
        tolerance: float,
        job: Job,
        bases: Bases,
        find: saved_runs.Finder,
    ) -> None:
        self._settings, self._tolerance, self._job, self._bases = settings, tolerance, job, bases
        self._find = find
        self._baseline: saved_runs.Baseline
        self._policy = Policy(tolerance / 100, job.launches.planned, job.launches.most)

    def prepare(self) -> None:
        """Find the baseline, as far as that is possible without the worker's batch size."""
        self._look_for(None)

    def _look_for(self, batch_size: int | None) -> None:
        job = self._job
        self._baseline = self._find(
            saved_runs.Subject(job.identity, layer_records(job.stack), job.scale.name, batch_size)
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
            f"screened by {self._baseline.title}: {_seen(screen)} beside "
            f"its {screen.baseline_launches} launches, which a duet had to settle"
        )
        if screen.outcome is Outcome.REGRESSED and verdict.outcome is Outcome.PASSED:
            doubt += "; not by the code: the machine, or what no record lists, is slower than then"
        return Judged(_because(verdict, "code" if code else None, doubt), settled.duet)

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
        return Judged(_because(screen, None, why), measurement=more)

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
            return Judged(_because(screen, None, settled))
        if settled.verdict.outcome is not Outcome.REGRESSED:
            return Judged(_because(screen, None, _beside(settled)), settled.duet)
        why = f"beside {screen.baseline} it is {_seen(screen)}, in another environment"
        return Judged(_because(settled.verdict, "code", *changes, why), settled.duet)

    def _explained(
        self, screen: Verdict, changes: list[str], measurement: Measurement, observer: Observer
    ) -> Judged:
        """More launches have found it slower: by the code's doing, or by the environment's."""
        commit = self._reachable()
        if commit is None:
            why = "whether the code has a part in it cannot be told without the baseline's commit"
            return Judged(_because(screen, "either" if changes else None, why))
        if self._bases.is_at(self._job, commit):
            return Judged(_because(screen, "environment", "the code is the baseline's own"))
        settled = self._duet(commit, measurement, observer)
        if isinstance(settled, str):
            return Judged(_because(screen, "either", f"the code differs too; {settled}"))
        causes = {Outcome.REGRESSED: "both", Outcome.INCONCLUSIVE: "either"}
        cause = causes.get(settled.verdict.outcome, "environment")
        return Judged(_because(screen, cause, _beside(settled)), settled.duet)


def _because(verdict: Verdict, cause: str | None, *why: str) -> Verdict:
    return msgspec.structs.replace(verdict, cause=cause, evidence=(*verdict.evidence, *why))


def _beside(settled: Settled) -> str:
    return (
        f"the code differs too: in this environment it is {_seen(settled.verdict)} than "
        f"{settled.duet.base} ({settled.verdict.outcome.value})"
    )


def _seen(verdict: Verdict) -> str:
    return loss(verdict.slowdown_percent or 0.0)
