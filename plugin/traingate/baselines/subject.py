"""Say which stored measurements are of the same subject, and whether they may be a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traingate.baselines.saved_runs import SavedRun
from traingate.records import LayerRecord, Measurement, Outcome, stack_label


@dataclass(frozen=True)
class Subject:
    """The fields that, in addition to the hardware, two comparable measurements share.

    Attributes:
        workload, stack, scale: Fields of the same names in Measurement.
        batch_size: Samples per step, None as long as only the worker knows it.
        environment_name: Name of the environment that the subject runs in. If a run has several
            measurements of the subject and none of the test, one in this environment is taken.
        environment: Software of the worker, None as long as only the worker knows it. It need not
            be the same, but a measurement in the same environment is preferred.
    """

    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int | None = None
    environment_name: str = "today"
    environment: Mapping[str, Any] | None = None

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


def measurements_of(subject: Subject, run: SavedRun, test: str) -> dict[str, Measurement]:
    """Return the measurements of *subject* in *run*, keyed by test name.

    Those of other tests count only if they are of the same environment: a test that runs in several
    environments has a measurement in each.
    """
    return {
        name: item
        for name, item in run.measurements
        if subject.matches(item)
        and (name == test or item.environment_name == subject.environment_name)
    }


def failed_in(run: SavedRun, subject: Subject, test: str) -> bool:
    """Return whether *run* failed its gate on *subject*, and no person has accepted that.

    A test that was run again after it failed has several measurements. The failed one counts.
    """
    verdicts = [
        item.verdict
        for name, item in run.measurements
        if name in measurements_of(subject, run, test) and subject.matches(item)
    ]
    return any(
        verdict is not None and verdict.failed and verdict.accepted is None for verdict in verdicts
    )


def is_undecided(measurement: Measurement) -> bool:
    """Return whether the comparison of a measurement was INCONCLUSIVE, and nobody accepted it."""
    verdict = measurement.verdict
    return (
        verdict is not None and verdict.outcome is Outcome.INCONCLUSIVE and verdict.accepted is None
    )
