"""Warm workers up: the first step, which compiles, and further ones until the steps are steady."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traingate.controller.job import Job
from traingate.controller.training_worker import TrainingWorker

_MAX_STEPS: Final = 20
"""Largest number of warm-up steps, unless the loader fetches more batches ahead."""

_STEPS_ACROSS_NODES: Final = 5
"""Number of warm-up steps on several nodes. It is fixed, because the controller of one node does
not know whether another node still compiles."""


@dataclass(frozen=True)
class WarmUp:
    """Warm-up of one worker.

    Attributes:
        first_step_seconds: Seconds of the first step, which compiles.
        last_step_seconds: Seconds of the last warm-up step.
        steps: Number of warm-up steps after the first one, the same for all workers.
    """

    first_step_seconds: float
    last_step_seconds: float
    steps: int

    @property
    def step_seconds(self) -> float:
        """Return the seconds of a usual step, which the plan of the measurement rests on.

        The first step is slower than a usual one. If the last one takes even longer, it is one of
        the slow ones that a training has now and then.
        """
        return min(self.first_step_seconds, self.last_step_seconds)


def warm_up(job: Job, workers: Sequence[TrainingWorker], least_steps: int = 0) -> list[WarmUp]:
    """Warm up *workers*, one after the other, with the same number of steps.

    A worker takes at least as many steps as the scale and *least_steps* say, and more than its
    loader fetches batches ahead, because the first steps find batches that were fetched while the
    training was compiled. As long as steps compile, it takes further ones, up to 20. In the end,
    all workers are stopped.

    Args:
        job: Job that is measured, of either side.
        workers: Workers whose trainings are built.
        least_steps: Number of warm-up steps of the launches to compare with. Steps that a training
            slows down periodically are then at the same places in all launches.
    """
    least = max(least_steps, _scale_steps(job), *(_steps_to_drain(worker) for worker in workers))
    warm_ups = [_warm_up_alone(job, worker, least) for worker in workers]
    steps = max(result.steps for result in warm_ups)
    return [
        _continue(worker, result, steps) for worker, result in zip(workers, warm_ups, strict=True)
    ]


def _scale_steps(job: Job) -> int:
    """Return the number of warm-up steps that the scale, or the number of steps, asks for."""
    if job.stack.spans_nodes:
        return _STEPS_ACROSS_NODES
    least = job.scale.warmup_steps
    if job.steps is not None:  # the article (docs/evidence/layers.md) skips a tenth
        least = max(1, min(least, job.steps // 10))
    return least


def _steps_to_drain(worker: TrainingWorker) -> int:
    """Return the number of steps that use up the batches that were fetched before the first one."""
    return worker.prefetched_batches + 1 if worker.prefetched_batches else 0


def _warm_up_alone(job: Job, worker: TrainingWorker, least: int) -> WarmUp:
    """Take the first step and at least *least* further ones, and more while steps compile."""
    first_seconds, compiled = worker.warm_up_step(0)
    last_seconds, number = first_seconds, 0
    most = least if job.stack.spans_nodes else max(least, _MAX_STEPS)
    while number < least or (compiled and number < most):
        number += 1
        last_seconds, compiled = worker.warm_up_step(number)
    worker.freeze()
    return WarmUp(first_seconds, last_seconds, number)


def _continue(worker: TrainingWorker, result: WarmUp, steps: int) -> WarmUp:
    """Take the warm-up steps that are missing to *steps*."""
    last_seconds = result.last_step_seconds
    for number in range(result.steps + 1, steps + 1):
        last_seconds, _ = worker.warm_up_step(number)
    if result.steps < steps:
        worker.freeze()
    return WarmUp(result.first_step_seconds, last_seconds, steps)
