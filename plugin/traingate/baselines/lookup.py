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
    stack_label,
)


@dataclass(frozen=True)
class Subject:
    """What has to agree, beside the hardware, for two measurements to be compared.

    Attributes:
        workload, stack, scale: as in a Measurement.
        batch_size: None as long as only the worker knows it.
    """

    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int | None = None

    def matches(self, measurement: Measurement) -> bool:
        """Whether ``measurement`` is of this subject."""
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
    """The stored measurement that a subject is compared with, and where it was found.

    Attributes:
        measurement: the newest.
        title: of its run.
        commit: of its run.
        launches: its own, and those of other runs of the same code in the same environment.
    """

    measurement: Measurement
    title: str
    commit: str | None
    launches: tuple[Launch, ...]


BaselineFinder: TypeAlias = Callable[[Subject], Baseline]
"""Finds the baseline of a subject; BaselineError if there is none."""


@dataclass(frozen=True)
class Baselines:
    """The runs that a session compares with, oldest first."""

    runs: tuple[SavedRun, ...]

    def find(self, subject: Subject, hardware: Hardware, test: str) -> Baseline:
        """The newest comparable measurement whose run did not fail its gate on ``subject``.

        Where a run has more than one, that of the same ``test`` is taken, else the last.

        Raises:
            BaselineError: if there is none; the message says what came nearest.
        """
        nearest = f"No stored run has {subject}."
        for position in reversed(range(len(self.runs))):
            run = self.runs[position]
            found = _of(run, subject)
            if not found:
                continue
            measurement = found.get(test, list(found.values())[-1])
            unlike = hardware_differences(measurement.machine, hardware)
            if unlike:
                nearest = f"{run.title} is of another machine ({'; '.join(unlike)})."
            elif any(map(_unfit, found.values())):
                nearest = (
                    f"{run.title} failed its own gate, and is no baseline. If the slowdown is "
                    f"intended: traingate accept {run.path} --reason=WHY."
                )
            else:
                more = self._alike(self.runs[:position], run, measurement, subject)
                title = f"{run.title}{f' and {len(more)} more of its commit' if more else ''}"
                pooled = [launch for item in (*more, measurement) for launch in item.launches]
                return Baseline(measurement, title, run.commit, tuple(pooled))
        raise BaselineError(f"{nearest} {REMEDY}")

    def _alike(
        self, earlier: Sequence[SavedRun], run: SavedRun, measurement: Measurement, subject: Subject
    ) -> list[Measurement]:
        """Measurements of the same code, on the same machine, in the same environment."""
        if run.commit is None:
            return []
        return [
            item
            for other in earlier
            if other.commit == run.commit
            for item in _of(other, subject).values()
            if not _unfit(item)
            and item.batch_size == measurement.batch_size
            and not hardware_differences(item.machine, measurement.machine)
            and not environment_changes(item.environment, measurement.environment)
        ]

    def foreign_hardware(self, hardware: Hardware) -> list[str]:
        """Why no measurement at all is of this machine; empty if one is, or none stored."""
        unlike: list[str] = []
        for run in self.runs:
            for _, measurement in run.measurements:
                unlike = hardware_differences(measurement.machine, hardware)
                if not unlike:
                    return []
        return unlike


def _unfit(measurement: Measurement) -> bool:
    """Whether a record failed its gate, and nobody has accepted it."""
    verdict = measurement.verdict
    return verdict is not None and verdict.failed and verdict.accepted is None


def _of(run: SavedRun, subject: Subject) -> dict[str, Measurement]:
    """Return the measurements of *subject* in *run*, keyed by test name."""
    return {name: item for name, item in run.measurements if subject.matches(item)}
