"""One session: what it was asked, what it compares with, and each test's way to a verdict.

Knows nothing of pytest: it takes settings and returns measurements, or raises.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import msgspec

from traingate.baselines import saved_runs
from traingate.baselines.lookup import Baseline, Baselines, Subject
from traingate.comparison.against_base import AgainstSide
from traingate.comparison.against_stored import AgainstStored
from traingate.comparison.base import Comparison, Unjudged
from traingate.comparison.base_side import Bases
from traingate.controller.duet import DuetInterrupted
from traingate.controller.job import Job, LaunchPlan, Observer, Timeouts, single_step
from traingate.controller.measure import Result, measure
from traingate.errors import BaselineError, ConfigurationError, NoRunError
from traingate.gate.decision import unjudged
from traingate.gate.limits import Limits, violations
from traingate.host.hardware import hardware
from traingate.layers.stack import Stack
from traingate.options import DEFAULT_MOST_LAUNCHES, Demands, Settings
from traingate.records import Hardware, Measurement, Outcome, Published, Verdict
from traingate.records.units import samples_per_dollar
from traingate.report.row import Row
from traingate.report.verdict import interrupted
from traingate.workload import ObjectName, project_paths


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


CompareBy: TypeAlias = Callable[[Order, Job, float], Comparison]
"""From what a test orders, its job and its tolerance in percent, to how it is judged."""


class Session:
    """The state of one pytest run that measures.

    Args:
        settings: what the user asked for.
        root: pytest's rootdir; names in records are relative to it.
        search_path: pytest's ``sys.path``, of which the worker gets the project's part.
        compare_by: makes each test's comparison; by default what the settings ask for.
    """

    def __init__(
        self,
        settings: Settings,
        root: Path,
        search_path: Sequence[str],
        compare_by: CompareBy | None = None,
    ) -> None:
        self.settings = settings
        self._compare_by = compare_by
        self.rows: list[Row] = []
        self.compared = 0
        self.met: set[str] = set()
        self.interrupted: str | None = None
        self._root = root.resolve()
        self._search_path = search_path
        self._known: dict[str, Measurement] = {}
        self._directory = Path(tempfile.mkdtemp(prefix="traingate-session-"))
        self._bases = Bases(self._root, self._directory)

    @cached_property
    def hardware(self) -> Hardware:
        """This machine."""
        return hardware()

    @cached_property
    def baselines(self) -> Baselines:
        """The runs to compare with.

        Raises:
            BaselineError: if there are none at all, none that can be read, or none of this
                machine, unless missing baselines are to be recorded.
        """
        try:
            found = Baselines(saved_runs.load(self.settings.storage, self.settings.compare))
        except NoRunError:
            if self.settings.on_missing == "fail":
                raise
            return Baselines(())
        unlike = found.strangers(self.hardware)
        if unlike and self.settings.on_missing == "fail":
            raise BaselineError(
                f"All saved runs are of another machine ({'; '.join(unlike)}). {saved_runs.REMEDY}"
            )
        return found

    def close(self) -> None:
        """Remove the worktrees and the compile caches."""
        self._bases.close()
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
        comparison, result = self._measured(order, job, observer)
        measurement = result.measurement
        try:
            judged = comparison.judged(measurement, observer)
        except BaselineError as error:
            if self.settings.on_missing == "fail":
                raise
            judged = Unjudged(self._tolerance(order), str(error)).judged(measurement, observer)
        except KeyboardInterrupt as interrupt:
            pairs = interrupt.pairs if isinstance(interrupt, DuetInterrupted) else ()
            self.interrupted = interrupted(order.test, measurement, pairs)
            raise
        measurement = self._known[job.identity] = judged.measurement or measurement
        measurement = msgspec.structs.replace(
            measurement,
            verdict=self._verdict(order, judged.verdict, measurement),
            duet=judged.duet,
            samples_per_dollar=self._samples_per_dollar(measurement),
        )
        return replace(result, measurement=measurement)

    def _measured(self, order: Order, job: Job, observer: Observer) -> tuple[Comparison, Result]:
        """The candidate alone, as often as the comparison asks for; a missing base may pass."""
        comparison = self._comparison(order, job)
        tolerance = self._tolerance(order)
        try:
            comparison.prepare()
            return comparison, measure(job, comparison.decided, observer)
        except BaselineError as error:
            if self.settings.on_missing == "fail":
                raise
            comparison = Unjudged(tolerance, str(error))
        return comparison, measure(job, comparison.decided, observer)

    def _comparison(self, order: Order, job: Job) -> Comparison:
        settings, tolerance = self.settings, self._tolerance(order)
        if self._compare_by is not None:
            return self._compare_by(order, job, tolerance)
        if settings.against or settings.against_python:
            return AgainstSide(settings, tolerance, job, self._bases)
        if not settings.compare:
            return Unjudged(tolerance)

        def find(subject: Subject) -> Baseline:
            return self.baselines.find(subject, self.hardware, order.test)

        return AgainstStored(settings, tolerance, job, self._bases, find)

    def _tolerance(self, order: Order) -> float:
        return order.demands.tolerance or self.settings.tolerance

    def _verdict(
        self, order: Order, verdict: Verdict | None, measurement: Measurement
    ) -> Verdict | None:
        if verdict is not None and verdict.outcome is not Outcome.NO_BASELINE:
            self.compared += 1
            failed = verdict.outcome is Outcome.REGRESSED or (
                verdict.outcome is Outcome.INCONCLUSIVE and self.settings.on_inconclusive == "fail"
            )
            verdict = msgspec.structs.replace(verdict, failed=failed)
        limits = Limits(order.demands.min_samples_per_second, order.demands.max_first_step_seconds)
        broken = violations(limits, measurement.launches, measurement.batch_size)
        if not broken:
            return verdict
        verdict = verdict or unjudged(measurement, self._tolerance(order))
        reasons = [*([verdict.reason] if verdict.reason else []), *broken]
        return msgspec.structs.replace(verdict, failed=True, reason="; ".join(reasons))

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
            work=None if known is None else (known.flops_per_sample, known.operators_per_step),
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
        if self.settings.comparing:  # by a duet, whose pairs are what is limited
            return LaunchPlan(min(planned, given or planned), min(planned, given or planned))
        return LaunchPlan(given or planned, given or planned)

    def _samples_per_dollar(self, measurement: Measurement) -> float | None:
        price = self.settings.price
        return price and samples_per_dollar(measurement.samples_per_second, price)
