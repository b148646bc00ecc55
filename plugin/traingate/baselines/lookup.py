"""Find the stored measurement that a test is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from traingate.baselines.comparability import environment_changes, hardware_differences
from traingate.baselines.saved_runs import REMEDY, SavedRun
from traingate.errors import BaselineError
from traingate.records import (
    Hardware,
    Launch,
    LayerRecord,
    Measurement,
    Outcome,
    stack_label,
)


@dataclass(frozen=True)
class Subject:
    """The fields that, in addition to the hardware, two comparable measurements share.

    Attributes:
        workload, stack, scale: Fields of the same names in Measurement.
        batch_size: Samples per step, None as long as only the worker knows it.
    """

    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int | None = None

    def matches(self, measurement: Measurement) -> bool:
        """Return whether *measurement* has the fields of this subject."""
        return (
            self.workload == measurement.workload
            and self.stack == measurement.stack
            and self.scale == measurement.scale
            and self.batch_size in {None, measurement.batch_size}
        )

    def __str__(self) -> str:
        layers = stack_label(self.stack)
        batch = "" if self.batch_size is None else f", batch {self.batch_size}"
        return f"{self.workload} with stack {layers} at scale {self.scale}{batch}"


@dataclass(frozen=True)
class Baseline:
    """The stored measurement that a subject is compared with, and the run that holds it.

    Attributes:
        measurement: Newest comparable measurement of the subject.
        title: Title of its run, for messages.
        commit: Full name of the commit that was measured, None if it is unknown.
        launches: Launches of that measurement, after those of earlier runs of the same code in
            the same environment.
    """

    measurement: Measurement
    title: str
    commit: str | None
    launches: tuple[Launch, ...]


BaselineFinder: TypeAlias = Callable[[Subject], Baseline]
"""A function that returns the baseline of a subject, and raises BaselineError without one."""


@dataclass(frozen=True)
class Baselines:
    """The saved runs that a session compares with.

    Attributes:
        runs: Saved runs, oldest first.
    """

    runs: tuple[SavedRun, ...]

    def find(self, subject: Subject, hardware: Hardware, test: str) -> Baseline:
        """Return the newest comparable measurement whose run did not fail its gate on *subject*.

        A measurement whose own comparison was INCONCLUSIVE is returned only if there is no other.
        Otherwise a slowdown that one run leaves open would be the standard of the next.

        Args:
            subject: Fields that the measurement must have.
            hardware: Machine that it must have been taken on.
            test: Full name of the test, which selects among several measurements in one run;
                the last of them is taken if none has that name.

        Raises:
            BaselineError: If there is none; the message says why the oldest run that has the
                subject cannot be used.
        """
        obstacle = f"No stored run has {subject}."
        undecided: tuple[int, Measurement] | None = None  # the newest one, with its run's position
        for position in reversed(range(len(self.runs))):
            run = self.runs[position]
            measurements = _measurements_of(subject, run)
            if not measurements:
                continue
            measurement = measurements.get(test, list(measurements.values())[-1])
            differences = hardware_differences(measurement.machine, hardware)
            if differences:
                obstacle = f"{run.title} is of another machine ({'; '.join(differences)})."
            elif _failed_in(run, subject):
                obstacle = (
                    f"{run.title} failed its own gate, and is no baseline. If the slowdown is "
                    f"intended: traingate accept {run.path} --reason=WHY."
                )
            elif _is_undecided(measurement):
                undecided = undecided or (position, measurement)
            else:
                return self._baseline(position, measurement, subject)
        if undecided is not None:
            return self._baseline(*undecided, subject)
        raise BaselineError(f"{obstacle} {REMEDY}")

    def _baseline(self, position: int, measurement: Measurement, subject: Subject) -> Baseline:
        """Return the baseline of *measurement*, which the run at *position* holds."""
        run = self.runs[position]
        pooled_measurements = _poolable(self.runs[:position], run, measurement, subject)
        suffix = (
            f" and {len(pooled_measurements)} more of its commit" if pooled_measurements else ""
        )
        launches = [
            launch for item in (*pooled_measurements, measurement) for launch in item.launches
        ]
        return Baseline(measurement, f"{run.title}{suffix}", run.commit, tuple(launches))

    def foreign_hardware(self, hardware: Hardware) -> list[str]:
        """Return why no stored measurement was taken on this machine.

        Args:
            hardware: Machine that this process runs on.

        Returns:
            A line for each difference of the newest stored measurement from *hardware*; empty if
            any measurement was taken on that hardware, or if none is stored.
        """
        differences: list[str] = []
        for run in self.runs:
            for _, measurement in run.measurements:
                differences = hardware_differences(measurement.machine, hardware)
                if not differences:
                    return []
        return differences


def _poolable(
    earlier_runs: Sequence[SavedRun], run: SavedRun, measurement: Measurement, subject: Subject
) -> list[Measurement]:
    """Return measurements in *earlier_runs* of the same code, machine and environment."""
    if run.commit is None:
        return []
    return [
        item
        for other in earlier_runs
        if other.commit == run.commit and not _failed_in(other, subject)
        for item in _measurements_of(subject, other).values()
        if item.batch_size == measurement.batch_size
        and not hardware_differences(item.machine, measurement.machine)
        and not environment_changes(item.environment, measurement.environment)
    ]


def _failed_in(run: SavedRun, subject: Subject) -> bool:
    """Return whether *run* failed its gate on *subject*, and no person has accepted that.

    A test that was run again after it failed has several measurements. The failed one counts.
    """
    verdicts = [item.verdict for _, item in run.measurements if subject.matches(item)]
    return any(
        verdict is not None and verdict.failed and verdict.accepted is None for verdict in verdicts
    )


def _is_undecided(measurement: Measurement) -> bool:
    """Return whether the comparison of a measurement was INCONCLUSIVE, and nobody accepted it."""
    verdict = measurement.verdict
    return (
        verdict is not None and verdict.outcome is Outcome.INCONCLUSIVE and verdict.accepted is None
    )


def _measurements_of(subject: Subject, run: SavedRun) -> dict[str, Measurement]:
    """Return the measurements of *subject* in *run*, keyed by test name."""
    return {name: item for name, item in run.measurements if subject.matches(item)}
