"""One launch by itself, with the yardstick between its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from traingate.controller.child import Child
from traingate.controller.job import Job
from traingate.controller.schedule import Rounds, plan
from traingate.controller.training_worker import Run
from traingate.errors import WorkerError
from traingate.protocol import messages
from traingate.protocol.json_values import JSON
from traingate.records import Account, Launch


@dataclass
class Knowledge:
    """What the launches of one measurement teach, for the ones after them and the record."""

    batch_size: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    gemm_flop: float = 0.0
    account: Account = field(default_factory=lambda: Account(counters={}))
    peak_rss_bytes: int = 0
    operators: list[dict[str, JSON]] | None = None

    def meet(self, run: Run, number: int) -> None:
        """Note what a prepared launch says of itself.

        Raises:
            WorkerError: if its batches are not as large as those of the launches before.
        """
        if self.batch_size not in {0, run.batch_size}:
            raise WorkerError(
                f"launch {number} has batches of {run.batch_size}, and launch 1 had "
                f"{self.batch_size}: the workload must be the same each time"
            )
        self.batch_size = run.batch_size
        self.environment = run.environment

    def note(self, finished: Sequence[messages.Finished]) -> None:
        """Note what the ranks of a launch said at its end."""
        self.account = self.account.joined(finished[0].counters, finished[0].reasons)
        peak = sum(rank.peak_rss_bytes for rank in finished)
        self.peak_rss_bytes = max(self.peak_rss_bytes, peak)


def take(
    job: Job,
    run: Run,
    yardstick: Child,
    knowledge: Knowledge,
    *,
    number: int,
    setup_seconds: float,
) -> Launch:
    """Warm up, measure, and let the worker of ``run`` prove it.

    Args:
        job: what is measured.
        run: prepared, and known to ``knowledge``.
        yardstick: the child.
        knowledge: gains what this launch teaches.
        number: of the launch, from 1.
        setup_seconds: that preparing took.
    """
    first_step_seconds, step_seconds = run.warm_up()
    steps = job.steps or job.scale.steps_for(step_seconds)
    visit = _Visits(run, yardstick, job.timeouts.step)
    unit = visit(1)
    rounds = plan(steps, step_seconds, unit.gemm_seconds + unit.triad_seconds)
    taken, visits = _measure(run, visit, rounds)
    finished = run.finish()
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
    knowledge.note(finished)
    if job.profile and number == job.launches.planned:
        knowledge.operators = run.profile()
    if number == 1:
        count_work(job, run, knowledge)
    return launch


class _Visits:
    """The yardstick, as one launch sees it: it works while the worker's threads sleep."""

    def __init__(self, run: Run, yardstick: Child, seconds: float) -> None:
        self._run, self._yardstick, self._seconds = run, yardstick, seconds

    def __call__(self, repeats: int) -> messages.Measured:
        self._run.rest()
        message = messages.Measure(repeats)
        return self._yardstick.ask_first(message, messages.Measured, self._seconds, "at its work")


def _measure(
    run: Run, visit: _Visits, rounds: Rounds
) -> tuple[list[list[messages.Stepped]], list[messages.Measured]]:
    """The steps, each with one answer of every rank, and the visits around the rounds."""
    steps = sum(rounds.steps_per_round)
    taken: list[list[messages.Stepped]] = []
    visits = [visit(rounds.repeats)]
    for count in rounds.steps_per_round:
        taken += run.take(count, len(taken), steps)
        visits.append(visit(rounds.repeats))
    return taken, visits


def count_work(job: Job, run: Run, knowledge: Knowledge) -> None:
    """Learn what a plain step does, where that is not known yet; the launch is proven by now."""
    known = job.work
    if known is None:
        counted = run.count_work()
        known = counted.flops_per_sample, counted.operators_per_step
    flops, operators = known
    knowledge.account = msgspec.structs.replace(
        knowledge.account, flops_per_sample=flops, operators_per_step=operators
    )


def _by_rank(taken: Sequence[Sequence[messages.Stepped]]) -> tuple[tuple[float, ...], ...]:
    """Step seconds of each rank; empty for a single worker, whose steps are the launch's."""
    if len(taken[0]) == 1:
        return ()
    return tuple(
        tuple(step.step_seconds for step in of_rank) for of_rank in zip(*taken, strict=True)
    )
