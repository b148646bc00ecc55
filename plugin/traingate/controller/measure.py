"""One measurement: launch after launch until it is decided, each a fresh worker."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from traingate import wire
from traingate.controller.child import Child
from traingate.controller.quiet import wait_until_quiet
from traingate.controller.rounds import Rounds, plan
from traingate.errors import WorkerError
from traingate.launch import STEADYING, training_command, yardstick_command
from traingate.machine import hardware
from traingate.records import Launch, LayerRecord, Measurement, Published
from traingate.scales import Scale
from traingate.stack import Stack
from traingate.stats import roofline, throughput
from traingate.values import JSON, plain
from traingate.workload import ObjectName

_START_SECONDS: Final = 120.0
_PROFILED_STEPS: Final = 2
_MOST_WARMUP_STEPS: Final = 20


@dataclass(frozen=True)
class Timeouts:
    """Seconds that one answer of a worker may take.

    Attributes:
        start: until the interpreter runs and torch is imported.
        first_step: for the first step, which compiles.
        step: to build the training, and for any later step.
    """

    start: float = _START_SECONDS
    first_step: float = 1200.0
    step: float = 600.0

    @classmethod
    def of(cls, seconds: float | None) -> Timeouts:
        """The defaults, or ``seconds`` for everything; no less than the default to start."""
        if seconds is None:
            return cls()
        return cls(max(seconds, _START_SECONDS), seconds, seconds)


@dataclass(frozen=True)
class LaunchPlan:
    """How many launches: ``planned`` at least, and up to ``most`` while undecided."""

    planned: int
    most: int


@dataclass(frozen=True)
class Job:
    """What to measure, and how.

    Attributes:
        workload: its name.
        identity: its name in the record, the same in every clone.
        stack: the layers.
        scale: the size.
        steps: measured steps per launch; None leaves them to the scale.
        launches: how many.
        steady: a key of ``launch.STEADYING``.
        timeouts: for each kind of answer.
        import_paths: of the project, for the worker.
        compile_cache: directory of this stack alone.
        published: a figure to stand beside ours.
        profile: whether to profile the last launch.
        seed: of the worker's random numbers.
        flops_per_sample: where they are known already; else the first launch counts them.
    """

    workload: ObjectName
    identity: str
    stack: Stack
    scale: Scale
    launches: LaunchPlan
    compile_cache: Path
    import_paths: tuple[str, ...] = ()
    steps: int | None = None
    steady: str = "threads"
    timeouts: Timeouts = Timeouts()
    published: Published | None = None
    profile: bool = False
    seed: int = 0
    flops_per_sample: float | None = None


class Observer(Protocol):
    """Who wants to know how far a measurement is."""

    def launching(self, number: int, planned: int) -> None:
        """Launch ``number`` of ``planned`` so far starts."""

    def doing(self, what: str) -> None:
        """The worker is at ``what`` now: building, first step, warm-up."""

    def stepped(self, step: int, steps: int, samples_per_second: float) -> None:
        """Measured step ``step`` of ``steps`` is done."""


Decide = Callable[[Sequence[Launch], int], bool]
"""Whether the launches so far, with that batch size, decide; only then measuring ends early."""


@dataclass(frozen=True)
class Result:
    """A measurement, and its operator table where one was asked for."""

    measurement: Measurement
    operators: list[dict[str, JSON]] | None = None


@dataclass
class _Context:
    """What the first launch learns and the record needs."""

    batch_size: int = 0
    environment: dict[str, Any] | None = None
    gemm_flop: float = 0.0
    flops_per_sample: float | None = None
    operators: list[dict[str, JSON]] | None = None


def measure(job: Job, decided: Decide, observer: Observer) -> Result:
    """Measure ``job``.

    Args:
        job: what and how.
        decided: asked after the planned launches, and after each further one.
        observer: told how far the measurement is.

    Raises:
        WorkloadError: the workload's own code raised.
        WorkerError: a worker died, hung, or spoke another protocol; the message says in
            which launch and step.
    """
    context = _Context()
    launches: list[Launch] = []
    with Child(yardstick_command(), "the yardstick", job.timeouts.start) as yardstick:
        while len(launches) < job.launches.most:
            number = len(launches) + 1
            observer.launching(number, max(number, job.launches.planned))
            launches.append(_Run(job, number, yardstick, context, observer).take())
            if number >= job.launches.planned and decided(launches, context.batch_size):
                break
    return Result(_summary(job, launches, context), context.operators)


class _Run:
    """One launch, from its start to the message that proves it."""

    def __init__(
        self, job: Job, number: int, yardstick: Child, context: _Context, observer: Observer
    ) -> None:
        self._job = job
        self._number = number
        self._yardstick = yardstick
        self._context = context
        self._observer = observer

    def take(self) -> Launch:
        job = self._job
        command = training_command(job.stack, job.steady, job.compile_cache)
        self._observer.doing("importing torch")
        with Child(command, f"launch {self._number}", job.timeouts.start) as worker:
            prepared = self._prepare(worker)
            first_step_seconds, step_seconds = self._warm_up(worker)
            steps = job.steps or job.scale.steps_for(step_seconds)
            unit = self._visit(worker, 1)
            rounds = plan(steps, step_seconds, unit.gemm_seconds + unit.triad_seconds)
            taken, visits = self._measure(worker, rounds)
            finished = worker.ask(
                wire.Finish(), wire.Finished, job.timeouts.step, "after its last step"
            )
            self._context.environment = dict(prepared.environment)
            self._context.gemm_flop = unit.gemm_flop
            if job.profile and self._number == job.launches.planned:
                self._context.operators = worker.ask(
                    wire.Profile(_PROFILED_STEPS),
                    wire.Profiled,
                    job.timeouts.step * _PROFILED_STEPS,
                    "while profiled",
                ).operators
            if self._number == 1:
                self._count_flops(worker)
        return Launch(
            step_seconds=tuple(step.step_seconds for step in taken),
            data_seconds=tuple(step.data_seconds for step in taken),
            steps_per_round=rounds.steps_per_round,
            gemm_seconds=tuple(visit.gemm_seconds for visit in visits),
            triad_seconds=tuple(visit.triad_seconds for visit in visits),
            yardstick_seconds=tuple(visit.gemm_seconds + visit.triad_seconds for visit in visits),
            first_step_seconds=first_step_seconds,
            setup_seconds=prepared.setup_seconds,
            peak_rss_bytes=finished.peak_rss_bytes,
            minor_page_faults_per_step=finished.minor_page_faults_per_step,
            counters=finished.counters,
        )

    def _prepare(self, worker: Child) -> wire.Prepared:
        job = self._job
        self._observer.doing("building the training")
        message = wire.Prepare(
            workload=plain(vars(job.workload)),
            layers=job.stack.factories(),
            import_paths=list(job.import_paths),
            scale=job.scale.name,
            seed=job.seed + self._number,
        )
        prepared = worker.ask(
            message, wire.Prepared, job.timeouts.step, "while it built the training"
        )
        if self._number > 1 and prepared.batch_size != self._context.batch_size:
            raise WorkerError(
                f"launch {self._number} has batches of {prepared.batch_size}, and launch 1 "
                f"had {self._context.batch_size}: the workload must be the same each time"
            )
        self._context.batch_size = prepared.batch_size
        return prepared

    def _warm_up(self, worker: Child) -> tuple[float, float]:
        """Step until nothing is compiled any more; seconds of the first and the last step."""
        job = self._job
        least = job.scale.warmup_steps
        if job.steps is not None:  # of few steps, a tenth is skipped, as the article does
            least = max(1, min(least, job.steps // 10))
        self._observer.doing("first step")
        seconds, doing = job.timeouts.first_step, "in its first step"
        first = worker.ask(wire.WarmUp(), wire.WarmedUp, seconds, doing)
        for number in range(1, _MOST_WARMUP_STEPS + 1):
            self._observer.doing(f"warm-up step {number}")
            seconds, doing = job.timeouts.step, f"in warm-up step {number}"
            warm = worker.ask(wire.WarmUp(), wire.WarmedUp, seconds, doing)
            if number >= least and not warm.compiled:
                break
        return first.step_seconds, warm.step_seconds

    def _measure(
        self, worker: Child, rounds: Rounds
    ) -> tuple[list[wire.Stepped], list[wire.Measured]]:
        steps = sum(rounds.steps_per_round)
        taken: list[wire.Stepped] = []
        visits = [self._visit(worker, rounds.repeats)]
        for count in rounds.steps_per_round:
            worker.send(wire.Step(count))
            for _ in range(count):
                number = len(taken) + 1
                doing = f"in step {number} of {steps}"
                taken.append(worker.receive(wire.Stepped, self._job.timeouts.step, doing))
                rate = self._context.batch_size / taken[-1].step_seconds
                self._observer.stepped(number, steps, rate)
            visits.append(self._visit(worker, rounds.repeats))
        return taken, visits

    def _visit(self, worker: Child, repeats: int) -> wire.Measured:
        wait_until_quiet(worker.pid)
        seconds = self._job.timeouts.step
        return self._yardstick.ask(wire.Measure(repeats), wire.Measured, seconds, "at its work")

    def _count_flops(self, worker: Child) -> None:
        """The launch is proven by now: what goes wrong here costs this number alone."""
        self._context.flops_per_sample = self._job.flops_per_sample
        if self._job.flops_per_sample is None:
            self._observer.doing("counting FLOPs")
            with contextlib.suppress(WorkerError):
                self._context.flops_per_sample = worker.ask(
                    wire.CountFlops(), wire.FlopsCounted, self._job.timeouts.step, "counting"
                ).flops_per_sample


def _summary(job: Job, launches: Sequence[Launch], context: _Context) -> Measurement:
    samples_per_second, interval = throughput(launches, context.batch_size)
    reached = roofline(launches, context.gemm_flop)
    flops = context.flops_per_sample
    return Measurement(
        workload=job.identity,
        stack=layer_records(job.stack),
        scale=job.scale.name,
        batch_size=context.batch_size,
        launches=tuple(launches),
        samples_per_second=samples_per_second,
        samples_per_second_interval=interval,
        flops_per_sample=flops,
        roofline_flops_per_second=reached,
        roofline_share=None if flops is None else flops * samples_per_second / reached,
        counters=launches[-1].counters,
        machine=hardware(),
        environment={
            **(context.environment or {}),
            "steady": job.steady,
            "steadying": dict(STEADYING[job.steady]),
        },
        published=job.published,
    )


def layer_records(stack: Stack) -> tuple[LayerRecord, ...]:
    """The layers of ``stack`` as a record has them."""
    return tuple(LayerRecord(layer.name, dict(plain(layer.options))) for layer in stack.layers)


def single_step(job: Job) -> Job:
    """``job`` cut down to one launch of one step: to see that it runs, not how fast."""
    return replace(job, launches=LaunchPlan(1, 1), steps=1)
