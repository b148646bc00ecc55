"""Measure what a gate can resolve on this machine: one benchmark compared with itself.

This is a pytest run like any other, in which the first training benchmark is compared with itself:
unchanged, which shows how far pairs of launches scatter, and with injected slowdowns, which shows
which of them are found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from traingate.comparison.base import ComparisonResult, PlannedLaunches
from traingate.comparison.duet import as_duet_side, compare_by_duet
from traingate.controller.duet import fit_together, measure_duet
from traingate.controller.job import Job, LaunchPlan, Observer, Side
from traingate.fixtures import SESSION_KEY
from traingate.gate.power import TOLERANCES, Calibration, Trial, simulate_resolution, upper_spread
from traingate.gate.reduction import pairs_change
from traingate.gate.statistics import loss_percent
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.options import parse
from traingate.records import Measurement
from traingate.selection import is_training_benchmark
from traingate.session import Session
from traingate.session.jobs import BenchmarkRequest


def calibrate(
    test: str | None, pairs: int, slowdowns: Sequence[float], arguments: Sequence[str]
) -> Calibration | None:
    """Compare one benchmark with itself, in a pytest run that shows its progress.

    Args:
        test: Full name of the test; None for the first training benchmark that pytest finds.
        pairs: Number of pairs of the unchanged test.
        slowdowns: Slowdowns to inject, in percent of throughput.
        arguments: Further arguments for pytest.

    Returns:
        The calibration, or None if the test was not measured; pytest has shown the reason then.
    """
    plugin = _Plugin(CalibrationPlan(pairs, tuple(slowdowns)))
    test_arguments = [] if test is None else [test]
    pytest.main(["-q", "-p", "no:cacheprovider", *test_arguments, *arguments], plugins=[plugin])
    return plugin.calibration


@dataclass(frozen=True)
class CalibrationPlan:
    """Plan of the comparisons of one calibration.

    Attributes:
        pairs: Number of pairs of the unchanged test.
        slowdowns: Slowdowns to inject, in percent of throughput.
    """

    pairs: int
    slowdowns: tuple[float, ...]


class _Plugin:
    """Plugin of pytest whose session compares the first training benchmark with itself."""

    def __init__(self, plan: CalibrationPlan) -> None:
        self.calibration: Calibration | None = None
        self._plan = plan
        self._session: Session | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Replace the session, after traingate's own hook has run."""
        config.stash[SESSION_KEY] = lambda: self._make_session(config)

    def _make_session(self, config: pytest.Config) -> Session:
        """Return the session, whose only comparison is that of a test with itself."""
        if self._session is None:
            settings = replace(
                parse(config),
                compare=False,
                against=None,
                against_python=None,
                against_environment=None,
            )
            self._session = Session(settings, config.rootpath, sys.path, self._comparison)
        return self._session

    def _comparison(self, request: BenchmarkRequest, job: Job, tolerance: float) -> _SelfComparison:
        """Return the comparison of a test with itself, as a ``ComparisonFactory``."""
        assert self._session is not None
        max_pairs = self._session.settings.max_pairs
        return _SelfComparison(self, self._plan, request.test, job, tolerance, max_pairs)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Select the first training benchmark alone."""
        benchmarks = [item for item in items if is_training_benchmark(item)]
        selected_items = benchmarks[:1]
        config.hook.pytest_deselected(items=[item for item in items if item not in selected_items])
        items[:] = selected_items

    def pytest_unconfigure(self) -> None:
        """Close the session."""
        if self._session is not None:
            self._session.close()


@dataclass(frozen=True)
class _SelfComparison(PlannedLaunches):
    """Comparison of a test with itself, whose calibration the plugin keeps."""

    plugin: _Plugin
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
        self.plugin.calibration = Calibration(
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
        )
        minutes = result.duet.seconds_per_pair * len(result.duet.pairs) / 60
        return Trial(percent, result.verdict, minutes)
