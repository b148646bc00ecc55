"""One launch, from its start to the message that proves it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from traingate import wire
from traingate.controller.child import Child
from traingate.controller.job import Job, Observer
from traingate.controller.quiet import wait_until_quiet
from traingate.controller.rounds import Rounds, plan
from traingate.errors import WorkerError
from traingate.launch import training_command
from traingate.records import Launch
from traingate.values import JSON, plain

_PROFILED_STEPS: Final = 2
_MOST_WARMUP_STEPS: Final = 20
_WARMUP_STEPS_ACROSS_NODES: Final = 5
"""A fixed number, since no node knows what another one has seen compiled."""


@dataclass
class Knowledge:
    """What the launches of one measurement teach, for the ones after them and the record."""

    batch_size: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    gemm_flop: float = 0.0
    flops_per_sample: float | None = None
    peak_rss_bytes: int = 0
    operators: list[dict[str, JSON]] | None = None


class Run:
    """One launch: ``start``, then ``prepare``, then ``take``, under an ExitStack that ends it.

    The first two may overlap with those of other launches; nothing is timed in them.

    Args:
        job: what to measure, and how.
        number: of the launch, from 1.
        observer: told how far it is.
    """

    def __init__(self, job: Job, number: int, observer: Observer) -> None:
        command = training_command(job.stack, job.steady, job.compile_cache)
        self._worker = Child(command, f"launch {number}", job.timeouts.start)
        self._job = job
        self._number = number
        self._observer = observer

    def start(self, until: ExitStack) -> None:
        """Start the worker; ``until`` ends it."""
        self._announce()
        until.enter_context(self._worker)

    def begin_to_prepare(self) -> None:
        """Let the worker build the training, without waiting for it."""
        job = self._job
        self._observer.doing("importing torch")
        self._worker.greet()
        self._worker.send(
            wire.Prepare(
                workload=plain(vars(job.workload)),
                layers=job.stack.factories(),
                import_paths=list(job.import_paths),
                scale=job.scale.name,
                seed=job.seed + self._number,
            )
        )

    def prepare(self, knowledge: Knowledge) -> float:
        """Wait until the training stands; the seconds it took."""
        self._observer.doing("building the training")
        seconds, doing = self._job.timeouts.step, "while it built the training"
        answers = self._worker.receive(wire.Prepared, seconds, doing)
        local = sum(prepared.batch_size for prepared in answers)
        batch_size = local * self._worker.world_size // len(answers)
        if self._number > 1 and batch_size != knowledge.batch_size:
            raise WorkerError(
                f"launch {self._number} has batches of {batch_size}, and launch 1 had "
                f"{knowledge.batch_size}: the workload must be the same each time"
            )
        knowledge.batch_size = batch_size
        knowledge.environment = dict(answers[0].environment)
        return max(prepared.setup_seconds for prepared in answers)

    def take(self, setup_seconds: float, yardstick: Child, knowledge: Knowledge) -> Launch:
        """Warm up, measure, and let the worker prove it."""
        job = self._job
        self._announce()
        first_step_seconds, step_seconds = self._warm_up()
        steps = job.steps or job.scale.steps_for(step_seconds)
        unit = self._visit(yardstick, 1)
        rounds = plan(steps, step_seconds, unit.gemm_seconds + unit.triad_seconds)
        taken, visits = self._measure(yardstick, rounds, knowledge.batch_size)
        finished = self._worker.ask(
            wire.Finish(), wire.Finished, job.timeouts.step, "after its last step"
        )
        launch = Launch(
            step_seconds=tuple(max(step.step_seconds for step in ranks) for ranks in taken),
            data_seconds=tuple(max(step.data_seconds for step in ranks) for ranks in taken),
            rank_step_seconds=_by_rank(taken),
            steps_per_round=rounds.steps_per_round,
            gemm_seconds=tuple(visit.gemm_seconds for visit in visits),
            triad_seconds=tuple(visit.triad_seconds for visit in visits),
            yardstick_seconds=tuple(visit.gemm_seconds + visit.triad_seconds for visit in visits),
            first_step_seconds=first_step_seconds,
            setup_seconds=setup_seconds,
            peak_rss_bytes=sum(rank.peak_rss_bytes for rank in finished),
            minor_page_faults_per_step=sum(rank.minor_page_faults_per_step for rank in finished),
            counters=finished[0].counters,
        )
        knowledge.gemm_flop = unit.gemm_flop
        knowledge.peak_rss_bytes = max(knowledge.peak_rss_bytes, launch.peak_rss_bytes)
        self._ask_further(knowledge)
        return launch

    def _announce(self) -> None:
        self._observer.launching(self._number, max(self._number, self._job.launches.planned))

    def _warm_up(self) -> tuple[float, float]:
        """Step until nothing is compiled any more; seconds of the first and the last step."""
        job = self._job
        least = job.scale.warmup_steps
        if job.steps is not None:  # of few steps, a tenth is skipped, as the article does
            least = max(1, min(least, job.steps // 10))
        first, _ = self._warm_up_step("first step", "in its first step", job.timeouts.first_step)
        for number in range(1, _MOST_WARMUP_STEPS + 1):
            what = f"warm-up step {number}"
            last, compiled = self._warm_up_step(what, f"in {what}", job.timeouts.step)
            if self._job.stack.spans_nodes:
                done = number == _WARMUP_STEPS_ACROSS_NODES
            else:
                done = number >= least and not compiled
            if done:
                break
        return first, last

    def _warm_up_step(self, what: str, doing: str, seconds: float) -> tuple[float, bool]:
        self._observer.doing(what)
        warm = self._worker.ask(wire.WarmUp(), wire.WarmedUp, seconds, doing)
        return max(rank.step_seconds for rank in warm), any(rank.compiled for rank in warm)

    def _measure(
        self, yardstick: Child, rounds: Rounds, batch_size: int
    ) -> tuple[list[list[wire.Stepped]], list[wire.Measured]]:
        """The steps, each with one answer of every rank, and the visits around the rounds."""
        steps = sum(rounds.steps_per_round)
        taken: list[list[wire.Stepped]] = []
        visits = [self._visit(yardstick, rounds.repeats)]
        for count in rounds.steps_per_round:
            self._worker.send(wire.Step(count))
            for _ in range(count):
                number = len(taken) + 1
                doing = f"in step {number} of {steps}"
                taken.append(self._worker.receive(wire.Stepped, self._job.timeouts.step, doing))
                slowest = max(rank.step_seconds for rank in taken[-1])
                self._observer.stepped(number, steps, batch_size / slowest)
            visits.append(self._visit(yardstick, rounds.repeats))
        return taken, visits

    def _visit(self, yardstick: Child, repeats: int) -> wire.Measured:
        wait_until_quiet(self._worker.pid)
        seconds = self._job.timeouts.step
        return yardstick.ask_first(wire.Measure(repeats), wire.Measured, seconds, "at its work")

    def _ask_further(self, knowledge: Knowledge) -> None:
        """What the record holds beside the steps; the launch is proven by now."""
        job = self._job
        seconds = job.timeouts.step
        if job.profile and self._number == job.launches.planned:
            profiled = self._worker.ask(
                wire.Profile(_PROFILED_STEPS), wire.Profiled, seconds * _PROFILED_STEPS, "profiled"
            )
            knowledge.operators = profiled[0].operators
        if self._number == 1:
            knowledge.flops_per_sample = job.flops_per_sample
        if self._number == 1 and job.flops_per_sample is None:
            self._observer.doing("counting FLOPs")
            with contextlib.suppress(WorkerError):  # what goes wrong costs this number alone
                counted = self._worker.ask_first(
                    wire.CountFlops(), wire.FlopsCounted, seconds, "counting"
                )
                knowledge.flops_per_sample = counted.flops_per_sample


def _by_rank(taken: Sequence[Sequence[wire.Stepped]]) -> tuple[tuple[float, ...], ...]:
    """Step seconds of each rank; empty for a single worker, whose steps are the launch's."""
    if len(taken[0]) == 1:
        return ()
    return tuple(
        tuple(step.step_seconds for step in of_rank) for of_rank in zip(*taken, strict=True)
    )
