"""Say which stored measurements are of the same subject, and whether they may be a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traingate.baselines.summaries import RunSummary, TestSummary
from traingate.records import LayerRecord, stack_label


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

    def matches(self, test: TestSummary) -> bool:
        """Return whether a stored test has the fields of this subject."""
        return (
            self.workload == test.workload
            and self.stack == test.stack
            and self.scale == test.scale
            and self.batch_size in {None, test.batch_size}
        )

    def __str__(self) -> str:
        layers = stack_label(self.stack)
        batch = "" if self.batch_size is None else f", batch {self.batch_size}"
        return f"{self.workload} with stack {layers} at scale {self.scale}{batch}"


def tests_of(subject: Subject, run: RunSummary, test: str) -> dict[str, TestSummary]:
    """Return the tests of *run* that measured *subject*, keyed by name.

    Those of other names count only if they are of the same environment: a test that runs in several
    environments has a measurement in each.
    """
    return {
        item.test: item
        for item in run.tests
        if subject.matches(item)
        and (item.test == test or item.environment_name == subject.environment_name)
    }


def failed_in(run: RunSummary, subject: Subject, test: str) -> bool:
    """Return whether *run* failed its gate on *subject*, and no person has accepted that.

    A test that was run again after it failed has several measurements. The failed one counts.
    """
    names = tests_of(subject, run, test)
    return any(
        item.is_rejected for item in run.tests if item.test in names and subject.matches(item)
    )
