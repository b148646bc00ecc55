"""Measure what a gate can resolve on this machine: one benchmark compared with itself.

This is a pytest run like any other, in which the first training benchmark is compared with itself:
unchanged, which shows how far pairs of launches scatter, and with injected slowdowns, which shows
which of them are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.comparison.duet import as_duet_side, compare_by_duet
from traingate.controller.duet import fit_together, measure_duet
from traingate.controller.job import Job, LaunchPlan, Observer, Side
from traingate.gate.power import TOLERANCES, Calibration, Trial, simulate_resolution, upper_spread
from traingate.gate.reduction import pairs_change
from traingate.gate.statistics import loss_percent
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.records import Measurement
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest
from traingate.single_test import SingleTestPlugin


def calibrate(
    test: str | None, pairs: int, slowdowns: Sequence[float], arguments: Sequence[str]
) -> tuple[Calibration | None, int]:
    """Compare one benchmark with itself, in a pytest run that shows its progress.

    Args:
        test: Full name of the test; None for the first training benchmark that pytest finds.
        pairs: Number of pairs of the unchanged test.
        slowdowns: Slowdowns to inject, in percent of throughput.
        arguments: Further arguments for pytest.

    Returns:
        The calibration, or None if the test was not measured; pytest has shown the reason then. And
        the exit status of pytest, or of the signal that has ended it.
    """
    calibrator = _Calibrator(CalibrationPlan(pairs, tuple(slowdowns)))
    status = SingleTestPlugin(calibrator.compare).run(test, (), arguments)
    return calibrator.calibration, status


@dataclass(frozen=True)
class CalibrationPlan:
    """Plan of the comparisons of one calibration.

    Attributes:
        pairs: Number of pairs of the unchanged test.
        slowdowns: Slowdowns to inject, in percent of throughput.
    """

    pairs: int
    slowdowns: tuple[float, ...]


class _Calibrator:
    """Maker of the comparison of a test with itself, which keeps the calibration."""

    def __init__(self, plan: CalibrationPlan) -> None:
        self.calibration: Calibration | None = None
        self._plan = plan

    def compare(
        self, session: Session, request: BenchmarkRequest, job: Job, tolerance: float
    ) -> _SelfComparison:
        """Return the comparison of a test with itself, as a ``MakeComparison``."""
        max_pairs = session.settings.max_pairs
        return _SelfComparison(self, self._plan, request.test, job, tolerance, max_pairs)


@dataclass(frozen=True)
class _SelfComparison(PlannedLaunches):
    """Comparison of a test with itself, whose calibration the calibrator keeps."""

    calibrator: _Calibrator
    plan: CalibrationPlan
    test: str
    job: Job
    tolerance: float
    max_pairs: int

    def conclude(self, measurement: Measurement, observer: Observer) -> ComparisonResult:
        """Measure the pairs and the trials, and return no verdict."""
        plan = LaunchPlan(self.plan.pairs, self.plan.pairs)
        job = as_duet_side(self.job, measurement, plan)
        base = replace(job, side=Side("the test itself"))
        unchanged_duet = measure_duet(
            job, base, plan, lambda _: True, observer, by_steps=fit_together(job, base)
        )
        method = unchanged_duet.pairs[0].method
        change = pairs_change(unchanged_duet.pairs).repeatable
        interval = change.loss_interval
        spread = upper_spread(change)
        self.calibrator.calibration = Calibration(
            test=self.test,
            method=method,
            pairs=len(unchanged_duet.pairs),
            spread=change.spread,
            change_percent=loss_percent(change.value),
            change_percent_interval=interval,
            minutes_per_pair=unchanged_duet.seconds_per_pair / 60,
            trials=tuple(
                self._trial(job, base, percent, measurement, observer)
                for percent in self.plan.slowdowns
            ),
            resolutions=tuple(
                simulate_resolution(tolerance, spread, method, self.max_pairs)
                for tolerance in TOLERANCES
            ),
            max_pairs=self.max_pairs,
        )
        return ComparisonResult(None)

    def _trial(
        self, job: Job, base: Job, percent: float, measurement: Measurement, observer: Observer
    ) -> Trial:
        """Compare the test with an injected slowdown to the unchanged test."""
        slowed_job = replace(job, stack=Stack.of([*job.stack.layers, InjectedSlowdown(percent)]))
        result = compare_by_duet(
            slowed_job,
            base,
            measurement,
            observer,
            tolerance=self.tolerance,
            max_pairs=self.max_pairs,
            explains=False,
        )
        minutes = result.duet.seconds_per_pair * len(result.duet.pairs) / 60
        return Trial(percent, result.verdict, minutes)
