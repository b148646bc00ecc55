"""What a gate can tell apart on this machine: one benchmark measured beside itself.

A pytest run like any other, in which the first training benchmark is compared with itself: as it
is, which shows how far pairs of launches scatter, and with slowdowns put in, which shows what is
found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from traingate.comparison.base import Judged, Undecided
from traingate.comparison.duet import for_duet, settle
from traingate.controller.duet import duet
from traingate.controller.job import Job, LaunchPlan, Observer, Side
from traingate.fixtures import SESSION_KEY
from traingate.gate.power import TOLERANCES, Calibration, Trial, resolve, upper_spread
from traingate.gate.statistics import loss_percent, paired
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.options import parse
from traingate.records import Measurement, Method
from traingate.session import Order, Session


def calibrate(
    test: str | None, pairs: int, slowdowns: Sequence[float], arguments: Sequence[str]
) -> Calibration | None:
    """Measure one benchmark beside itself, in a pytest run that shows its progress.

    Args:
        test: its name; None for the first that pytest finds.
        pairs: of the test as it is.
        slowdowns: to put in, in percent of throughput.
        arguments: for pytest.

    Returns:
        What was learnt; None if it was not measured, for which pytest has shown the reason.
    """
    plugin = _Plugin(Plan(pairs, tuple(slowdowns)))
    selected = [] if test is None else [test]
    pytest.main(["-q", "-p", "no:cacheprovider", *selected, *arguments], plugins=[plugin])
    return plugin.found


@dataclass(frozen=True)
class Plan:
    """What to measure: pairs of the test as it is, and slowdowns to put in, in percent."""

    pairs: int
    slowdowns: tuple[float, ...]


class _Plugin:
    """Gives pytest a session that compares the first training benchmark with itself."""

    def __init__(self, plan: Plan) -> None:
        self.found: Calibration | None = None
        self._plan = plan
        self._session: Session | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """After traingate's own hook, whose session is not to be made."""
        config.stash[SESSION_KEY] = lambda: self._made(config)

    def _made(self, config: pytest.Config) -> Session:
        if self._session is None:
            settings = replace(parse(config), compare=False, against=None, against_python=None)
            self._session = Session(settings, config.rootpath, sys.path, self._comparison)
        return self._session

    def _comparison(self, order: Order, job: Job, tolerance: float) -> _WithItself:
        assert self._session is not None
        most = self._session.settings.most_pairs
        return _WithItself(self, self._plan, order, job, tolerance, most)

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """The first training benchmark alone."""
        ours = [item for item in items if "training_benchmark" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in ours[:1]])
        items[:] = ours[:1]

    def pytest_unconfigure(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()


@dataclass(frozen=True)
class _WithItself(Undecided):
    """Measures the pairs and the trials, and leaves what was learnt with the plugin."""

    plugin: _Plugin
    plan: Plan
    order: Order
    job: Job
    tolerance: float
    most: int

    def judged(self, measurement: Measurement, observer: Observer) -> Judged:
        """No verdict: there is nothing to judge."""
        plan = LaunchPlan(self.plan.pairs, self.plan.pairs)
        job = for_duet(self.job, measurement, plan)
        itself = replace(job, side=Side("the test itself"))
        quiet = duet(job, itself, plan, lambda _: True, observer)
        method = Method.STEPS if quiet.pairs[0].steps_per_turn else Method.TURNS
        change = paired([pair.log_ratio for pair in quiet.pairs])
        interval = loss_percent(change.lower(0.025)), loss_percent(change.upper(0.025))
        sure = upper_spread(change)
        self.plugin.found = Calibration(
            test=self.order.test,
            method=method,
            pairs=len(quiet.pairs),
            spread=change.spread,
            change_percent=loss_percent(change.value),
            change_percent_interval=interval,
            minutes_per_pair=quiet.seconds_per_pair / 60,
            trials=tuple(
                self._trial(job, itself, percent, measurement, observer)
                for percent in self.plan.slowdowns
            ),
            resolutions=tuple(resolve(limit, sure, method, self.most) for limit in TOLERANCES),
            most_pairs=self.most,
        )
        return Judged(None)

    def _trial(
        self, job: Job, itself: Job, percent: float, measurement: Measurement, observer: Observer
    ) -> Trial:
        slower = replace(job, stack=Stack.of([*job.stack.layers, InjectedSlowdown(percent)]))
        settled = settle(
            slower, itself, measurement, observer, tolerance=self.tolerance, most=self.most
        )
        minutes = settled.duet.seconds_per_pair * len(settled.duet.pairs) / 60
        return Trial(percent, settled.verdict, minutes)
