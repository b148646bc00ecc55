"""Find the stored measurement that a test is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from traingate.baselines.comparability import environment_changes, hardware_differences
from traingate.baselines.pooling import poolable_tests, without_copies
from traingate.baselines.run_files import REMEDY, SAVE_REMEDY
from traingate.baselines.saved_runs import SavedRun, read_run
from traingate.baselines.subject import Subject, failed_in, tests_of
from traingate.baselines.summaries import RunSummary, TestSummary
from traingate.errors import BaselineError, DamagedRecordError, NewTestError
from traingate.records import (
    Hardware,
    Launch,
    Measurement,
)
from traingate.untrusted.shell_words import shell_word


@dataclass(frozen=True)
class Baseline:
    """The stored measurement that a subject is compared with, and the run that holds it.

    Attributes:
        measurement: Newest comparable measurement of the subject.
        path: File of its run.
        title: Title of its run, for messages.
        commit: Full name of the commit that was measured, None if it is unknown.
        launches: Launches of that measurement, after those of earlier runs of the same code in
            the same environment.
        machine_differences: Differences of its machine from the present one, a line each. If there
            are any, the step times are not comparable, and only a duet with the commit can decide.
    """

    measurement: Measurement
    path: Path
    title: str
    commit: str | None
    launches: tuple[Launch, ...]
    machine_differences: tuple[str, ...] = ()


BaselineFinder: TypeAlias = Callable[[Subject], Baseline]
"""A function that returns the baseline of a subject, and raises BaselineError without one."""


@dataclass(frozen=True)
class Baselines:
    """The saved runs that a session compares with.

    Attributes:
        runs: Summaries of the saved runs, oldest first.
        read: Function that reads a run in full.
    """

    runs: tuple[RunSummary, ...]
    read: Callable[[Path], SavedRun] = field(default_factory=lambda: lru_cache(8)(read_run))

    def find(
        self,
        subject: Subject,
        hardware: Hardware,
        test: str,
        *,
        can_measure_commit: Callable[[str], bool] | None = None,
    ) -> Baseline:
        """Return the best comparable measurement whose run did not fail its gate on *subject*.

        A measurement of this machine is preferred to one of another machine, then one in the same
        environment to one in another, then the newest.

        A measurement whose own comparison was INCONCLUSIVE is returned only if there is no other.
        Otherwise a slowdown that one run leaves open would be the standard of the next.

        Args:
            subject: Fields that the measurement must have.
            hardware: Machine that the subject is measured on.
            test: Full name of the test, which selects among several measurements in one run;
                the last of them is taken if none has that name.
            can_measure_commit: Function that says whether a duet with a commit can be measured
                here, which replaces a comparison with the launches of another machine. None to
                accept no measurement of another machine.

        Raises:
            NewTestError: If no run has any measurement of the test, nor of its workload and stack.
            BaselineError: If there is none; the message says why the newest run that has the
                subject cannot be used.
        """
        candidates: list[_Candidate] = []
        obstacles: dict[int, str] = {}
        for position in reversed(range(len(self.runs))):
            run = self.runs[position]
            summaries = tests_of(subject, run, test)
            if not summaries:
                continue
            changed = None if test in summaries else _other_subject(subject, run, test)
            if changed is not None:
                obstacles[position] = (
                    f"{run.title} has {test} as {changed}, and it is {subject} now."
                )
                continue
            summary = summaries.get(test, list(summaries.values())[-1])
            differences = tuple(hardware_differences(summary.machine, hardware))
            if failed_in(run, subject, test):
                obstacles[position] = (
                    f"{run.title} failed its own gate, and is no baseline. If the slowdown is "
                    f"intended: traingate accept {shell_word(str(run.path))} --reason=WHY."
                )
            else:
                candidates.append(_Candidate(position, summary, differences))
        # Sorting keeps the order of equals, in which the newest is the first.
        for candidate in sorted(candidates, key=lambda candidate: candidate.rank(subject)):
            obstacle = _obstacle(self.runs[candidate.position], candidate, can_measure_commit)
            if obstacle is None:
                return self._baseline(candidate, subject, test)
            obstacles[candidate.position] = obstacle
        raise self._missing_baseline(subject, test, obstacles)

    def _baseline(self, candidate: _Candidate, subject: Subject, test: str) -> Baseline:
        """Return the baseline that consists of a measurement and of those that can be pooled."""
        run, summary = self.runs[candidate.position], candidate.summary
        earlier_runs = self.runs[: candidate.position]
        measurement = self._measurement(run, summary)
        tests = poolable_tests(earlier_runs, run, summary, subject, test)
        pooled = without_copies(
            measurement.launches, [self._measurement(*item).launches for item in tests]
        )
        suffix = f" and {len(pooled)} more of its commit" if pooled else ""
        return Baseline(
            measurement,
            run.path,
            f"{run.title}{suffix}",
            run.commit,
            tuple(launch for launches in (*pooled, measurement.launches) for launch in launches),
            candidate.machine_differences,
        )

    def _measurement(self, run: RunSummary, summary: TestSummary) -> Measurement:
        """Return the measurement that a summary is of.

        Raises:
            DamagedRecordError: If the file has changed, and lacks it.
        """
        position = [*run.tests].index(summary)
        measurements = self.read(run.path).measurements
        if position >= len(measurements) or measurements[position][0] != summary.test:
            raise DamagedRecordError(f"{run.path} was changed while it was read: start again.")
        return measurements[position][1]

    def _missing_baseline(
        self, subject: Subject, test: str, obstacles: Mapping[int, str]
    ) -> BaselineError:
        """Return the error for a subject without a baseline.

        Args:
            subject: Fields that the measurement must have.
            test: Full name of the test.
            obstacles: Reasons why stored measurements of the subject cannot be used, by the index
                of their run.
        """
        if obstacles:
            return BaselineError(f"{obstacles[max(obstacles)]} {SAVE_REMEDY}")
        message = f"No stored run has {subject}."
        names = (subject.workload, subject.stack)
        for run in reversed(self.runs):
            for item in run.tests:
                if item.test == test or (item.workload, item.stack) == names:
                    stored = Subject(item.workload, item.stack, item.scale, item.batch_size)
                    return BaselineError(f"{message} {run.title} has {stored}. {SAVE_REMEDY}")
        return NewTestError(f"{message} {REMEDY}")

    def check_machines(self, hardware: Hardware) -> None:
        """Check that some measurement can be compared with one of this machine, if any is stored.

        One of a clean commit can, wherever it was taken, because a duet with that commit can be
        measured on this machine.

        Args:
            hardware: Machine that this process runs on.

        Raises:
            BaselineError: If there is none; the message has the differences of the newest one.
        """
        differences: list[str] = []
        for run in self.runs:
            for summary in run.tests:
                differences = hardware_differences(summary.machine, hardware)
                if not differences or run.commit is not None:
                    return
        if differences:
            raise BaselineError(
                f"All saved runs are of another machine ({'; '.join(differences)}), and of no "
                f"clean commit that a duet could be measured with. {SAVE_REMEDY}"
            )


@dataclass(frozen=True)
class _Candidate:
    """Stored measurement that can serve as a baseline.

    Attributes:
        position: Index of its run.
        summary: Summary of the measurement.
        machine_differences: Differences of its machine from the present one, a line each.
    """

    position: int
    summary: TestSummary
    machine_differences: tuple[str, ...]

    def rank(self, subject: Subject) -> tuple[bool, bool, bool]:
        """Return a key that is smaller for a better baseline of *subject*."""
        changes = subject.environment is not None and environment_changes(
            self.summary.environment, subject.environment
        )
        return self.summary.is_undecided, bool(self.machine_differences), bool(changes)


def _obstacle(
    run: RunSummary, candidate: _Candidate, can_measure_commit: Callable[[str], bool] | None
) -> str | None:
    """Return why the machine of a candidate makes it no baseline, None if it is one."""
    if not candidate.machine_differences:
        return None
    message = f"{run.title} is of another machine ({'; '.join(candidate.machine_differences)})"
    if can_measure_commit is None:
        return f"{message}."
    if run.commit is None:
        return f"{message}, and of no clean commit that a duet could be measured with."
    if can_measure_commit(run.commit):
        return None
    return (
        f"{message}, and no duet with its commit {run.commit} can be measured here: it is not in "
        "this repository (a shallow clone is completed by git fetch --unshallow), or it lacks the "
        "workload, or the test cannot take turns."
    )


def _other_subject(subject: Subject, run: RunSummary, test: str) -> Subject | None:
    """Return what a test was in a run, if it has measured something else there; None if it has not.

    A test that was renamed has no measurement of its own name. One that has some was edited: what
    another test of the run has measured says nothing about it.
    """
    own = [
        item
        for item in run.tests
        if item.test == test
        and item.scale == subject.scale
        and item.environment_name == subject.environment_name
    ]
    if not own:
        return None
    last = own[-1]
    return Subject(last.workload, last.stack, last.scale, last.batch_size)
