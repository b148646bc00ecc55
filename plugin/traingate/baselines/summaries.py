"""Summarise saved runs: all that finding a baseline, and drawing a history, needs of a run.

A summary has no steps and no profiles, so that thousands of runs fit into memory.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from traingate.baselines.saved_runs import SavedRun
from traingate.gate.reduction import yardstick_factors
from traingate.records import Hardware, Launch, LayerRecord, Measurement, Outcome


class LaunchSummary(Struct, frozen=True, array_like=True):
    """Times of one launch.

    Attributes:
        seconds_per_step: Mean seconds of a step by total time, at the launch's usual speed of the
            machine: each step is divided by the relative time of the yardstick around it.
        gemm_seconds: Median time of the yardstick's GEMM, in seconds.
        triad_seconds: Median time of the yardstick's triad, in seconds.
    """

    seconds_per_step: float
    gemm_seconds: float
    triad_seconds: float


@dataclass(frozen=True)
class TestSummary:
    """Summary of the measurement of one test in a saved run.

    Attributes:
        test: Full name of the test.
        workload, stack, scale, batch_size, environment_name, yardstick, machine, environment:
            Fields of the same names in Measurement.
        steps: Number of measured steps of the newest launch.
        launches: Summaries of the launches.
        outcome: Outcome of its verdict; None if it has none.
        failed: True if it failed its gate.
        accepted: Reason for which a person has accepted it, or its marker has; None if nobody has.
    """

    __test__ = False  # pytest does not collect it

    test: str
    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int
    environment_name: str
    yardstick: str
    machine: Hardware
    environment: Mapping[str, Any]
    steps: int
    launches: tuple[LaunchSummary, ...]
    outcome: Outcome | None = None
    failed: bool = False
    accepted: str | None = None

    @property
    def is_undecided(self) -> bool:
        """Return whether its comparison was INCONCLUSIVE, and nobody accepted it."""
        return self.outcome is Outcome.INCONCLUSIVE and self.accepted is None

    @property
    def is_rejected(self) -> bool:
        """Return whether it failed its gate, and nobody accepted it."""
        return self.failed and self.accepted is None


@dataclass(frozen=True)
class RunSummary:
    """Summary of one saved run.

    Attributes:
        path, title, saved_at, commit, missing_tests, allowed_missing_tests: Fields of the same
            names in SavedRun.
        tests: Summaries of the tests with a record of traingate, in the file's order.
    """

    path: Path
    title: str
    saved_at: str
    commit: str | None
    tests: tuple[TestSummary, ...]
    missing_tests: tuple[str, ...] = ()
    allowed_missing_tests: tuple[str, ...] = ()


def summarise(run: SavedRun) -> RunSummary:
    """Return the summary of a run."""
    return RunSummary(
        path=run.path,
        title=run.title,
        saved_at=run.saved_at,
        commit=run.commit,
        tests=tuple(_summarise_test(test, record) for test, record in run.measurements),
        missing_tests=run.missing_tests,
        allowed_missing_tests=run.allowed_missing_tests,
    )


def _summarise_test(test: str, record: Measurement) -> TestSummary:
    verdict = record.verdict
    acceptance = None if verdict is None else verdict.accepted
    return TestSummary(
        test=test,
        workload=record.workload,
        stack=record.stack,
        scale=record.scale,
        batch_size=record.batch_size,
        environment_name=record.environment_name,
        yardstick=record.yardstick,
        machine=record.machine,
        environment=record.environment,
        steps=len(record.launches[-1].step_seconds),
        launches=tuple(map(_summarise_launch, record.launches)),
        outcome=None if verdict is None else verdict.outcome,
        failed=verdict is not None and verdict.failed,
        accepted=None if acceptance is None else acceptance.reason,
    )


def _summarise_launch(launch: Launch) -> LaunchSummary:
    (factors,) = yardstick_factors([launch])
    return LaunchSummary(
        statistics.fmean(
            step / factor for step, factor in zip(launch.step_seconds, factors, strict=True)
        ),
        statistics.median(launch.gemm_seconds),
        statistics.median(launch.triad_seconds),
    )
