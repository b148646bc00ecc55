"""One session: what it was asked, what it compares with, and each test's way to a verdict.

Knows nothing of pytest: it takes settings and returns measurements, or raises.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from traingate import store
from traingate.controller import (
    Job,
    LaunchPlan,
    Observer,
    Result,
    Timeouts,
    layer_records,
    measure,
    single_step,
)
from traingate.cost import samples_per_dollar
from traingate.errors import BaselineError, ConfigurationError, NoRunError
from traingate.gate import Limits, Policy, judge, violations
from traingate.machine import hardware
from traingate.options import DEFAULT_MOST_LAUNCHES, Demands, Settings
from traingate.records import Hardware, Launch, Measurement, Outcome, Published, Verdict
from traingate.report.row import Row
from traingate.stack import Stack
from traingate.workload import ObjectName, project_paths

_LEAST_LAUNCHES: Final = 3
"""On both sides together: with fewer, a difference of means has no spread."""


@dataclass(frozen=True)
class Order:
    """What one test orders.

    Attributes:
        test: its full name, as pytest has it.
        workload, stack: what to train, under which layers.
        demands: its own limits.
        published: figures to stand beside the result.
    """

    test: str
    workload: ObjectName
    stack: Stack
    demands: Demands
    published: tuple[Published, ...] = ()


class Session:
    """The state of one pytest run that measures.

    Args:
        settings: what the user asked for.
        root: pytest's rootdir; names in records are relative to it.
        search_path: pytest's ``sys.path``, of which the worker gets the project's part.
    """

    def __init__(self, settings: Settings, root: Path, search_path: Sequence[str]) -> None:
        self.settings = settings
        self.rows: list[Row] = []
        self.compared = 0
        self.met: set[str] = set()
        self._root = root.resolve()
        self._search_path = search_path
        self._known: dict[str, Measurement] = {}
        self._directory = Path(tempfile.mkdtemp(prefix="traingate-session-"))

    @cached_property
    def hardware(self) -> Hardware:
        """This machine."""
        return hardware()

    @cached_property
    def baselines(self) -> store.Baselines:
        """The runs to compare with.

        Raises:
            BaselineError: if there are none at all, none that can be read, or none of this
                machine, unless missing baselines are to be recorded.
        """
        try:
            found = store.load(self.settings.storage, self.settings.compare)
        except NoRunError:
            if self.settings.on_missing == "fail":
                raise
            return store.Baselines(())
        unlike = found.strangers(self.hardware)
        if unlike and self.settings.on_missing == "fail":
            raise BaselineError(
                f"All saved runs are of another machine ({'; '.join(unlike)}). {store.REMEDY}"
            )
        return found

    def close(self) -> None:
        """Remove the compile caches."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def run(self, order: Order, observer: Observer) -> Result:
        """Measure ``order`` and judge it; the measurement carries the verdict.

        Raises:
            BaselineError: if there is nothing to compare with, and that is to fail.
            WorkloadError, WorkerError: as ``controller.measure``.
        """
        job = self._job(order)
        if not self.settings.measuring:
            return measure(single_step(job), lambda *_: True, observer)
        gate = _Gate(self, order, job)
        gate.look_for_baseline(batch_size=None)
        result = measure(job, gate.decided, observer)
        self._known[job.identity] = result.measurement
        measurement = msgspec.structs.replace(
            result.measurement,
            verdict=gate.verdict(result.measurement),
            samples_per_dollar=self._samples_per_dollar(result.measurement),
        )
        return replace(result, measurement=measurement)

    def _job(self, order: Order) -> Job:
        settings = self.settings
        identity = order.workload.identity(self._root)
        label = f"{identity} {order.stack.factories()}"
        cache = self._directory / hashlib.sha256(label.encode()).hexdigest()[:16]
        known = self._known.get(identity)
        return Job(
            workload=order.workload,
            identity=identity,
            stack=order.stack,
            scale=settings.scale,
            launches=self._launch_plan(order.stack),
            compile_cache=cache,
            import_paths=tuple(project_paths(self._search_path)),
            steps=settings.steps,
            steady=settings.steady,
            timeouts=Timeouts.of(settings.timeout),
            published=order.published,
            profile=settings.profile is not None,
            flops_per_sample=None if known is None else known.flops_per_sample,
            peak_rss_bytes=None if known is None else known.peak_rss_bytes,
        )

    def _launch_plan(self, stack: Stack) -> LaunchPlan:
        planned, given = self.settings.scale.launches, self.settings.launches
        if stack.spans_nodes:
            if given is None or self.settings.steps is None:
                raise ConfigurationError(
                    "ranks on several nodes must take the same steps on each of them: give "
                    "--traingate-launches and --traingate-steps, the same on every node"
                )
            return LaunchPlan(given, given)
        if self.settings.compare:
            most = given or DEFAULT_MOST_LAUNCHES
            return LaunchPlan(min(planned, most), most)
        return LaunchPlan(given or planned, given or planned)

    def _samples_per_dollar(self, measurement: Measurement) -> float | None:
        price = self.settings.price
        return price and samples_per_dollar(measurement.samples_per_second, price)


class _Gate:
    """One test's comparison: finds its baseline, says when to stop, gives the verdict."""

    def __init__(self, session: Session, order: Order, job: Job) -> None:
        self._session = session
        self._settings = session.settings
        self._test = order.test
        self._job = job
        self._tolerance = order.demands.tolerance or session.settings.tolerance
        self._limits = Limits(
            order.demands.min_samples_per_second, order.demands.max_first_step_seconds
        )
        self._policy = Policy(self._tolerance / 100, job.launches.planned, job.launches.most)
        self._baseline: store.Baseline | None = None
        self._missing: str | None = None

    def look_for_baseline(self, batch_size: int | None) -> None:
        """Find what to compare with; before measuring, without the worker's batch size."""
        if not self._settings.compare:
            self._missing = "no comparison was asked for"
            return
        job = self._job
        subject = store.Subject(job.identity, layer_records(job.stack), job.scale.name, batch_size)
        try:
            self._baseline = self._session.baselines.find(
                subject, self._session.hardware, self._test
            )
        except BaselineError as error:
            if self._settings.on_missing == "fail":
                raise
            self._baseline, self._missing = None, str(error)
            return
        stored, most = len(self._baseline.measurement.launches), job.launches.most
        if stored + most < _LEAST_LAUNCHES:
            raise BaselineError(
                f"{stored} stored launch and {most} new one have no spread to judge by: raise "
                "--traingate-launches."
            )

    def decided(self, launches: Sequence[Launch], batch_size: int) -> bool:
        """Whether the gate needs no further launch."""
        if self._baseline is None:
            return True
        if self._baseline.measurement.batch_size != batch_size:
            self.look_for_baseline(batch_size)
            return self.decided(launches, batch_size)
        return self._judge(launches, batch_size).outcome is not Outcome.INCONCLUSIVE

    def _judge(self, launches: Sequence[Launch], batch_size: int) -> Verdict:
        assert self._baseline is not None
        stored = self._baseline.measurement.launches
        return judge(stored, launches, batch_size, self._policy)

    def verdict(self, measurement: Measurement) -> Verdict | None:
        """The verdict on the whole measurement; None where nothing was asked for."""
        broken = violations(self._limits, measurement.launches, measurement.batch_size)
        if self._baseline is not None:
            self._session.compared += 1
            verdict = self._judge(measurement.launches, measurement.batch_size)
            failed = verdict.outcome is Outcome.REGRESSED or (
                verdict.outcome is Outcome.INCONCLUSIVE and self._settings.on_inconclusive == "fail"
            )
            return msgspec.structs.replace(
                verdict,
                failed=failed or bool(broken),
                baseline=self._baseline.title,
                reason="; ".join(broken) or None,
            )
        if not self._settings.compare and not broken:
            return None
        return Verdict(
            outcome=Outcome.NO_BASELINE,
            failed=bool(broken),
            tolerance_percent=self._tolerance,
            launches=len(measurement.launches),
            samples_per_second=measurement.samples_per_second,
            reason="; ".join(broken) or self._missing,
        )
