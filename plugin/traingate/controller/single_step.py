"""Take one step of a training, to check that it runs without measuring it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.controller.launch import LaunchFacts
from traingate.controller.launch_record import launch_record
from traingate.controller.measure import Result, summarise
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up


def take_single_step(job: Job, observer: Observer) -> Result:
    """Start one worker, warm up, and take one step; without the yardstick, and without counting.

    Args:
        job: Job whose number of launches and steps is ignored.
        observer: Receiver of the progress.

    Raises:
        WorkloadError, WorkerError, ConfigurationError: As ``controller.measure.measure``.
    """
    job = replace(job, launches=LaunchPlan(1, 1), steps=1)
    facts = LaunchFacts()
    with ExitStack() as exit_stack:
        worker = TrainingWorker(job, 1, observer)
        worker.start(exit_stack)
        worker.request_preparation()
        setup_seconds = worker.wait_until_prepared()
        facts.check(worker, 1)
        (warm_up_result,) = warm_up(job, [worker])
        steps = worker.take_steps(1, 0, 1)
        finish_messages = worker.finish()
    facts.add(finish_messages)
    launch = launch_record(
        steps,
        warm_up_result,
        finish_messages,
        setup_seconds=setup_seconds,
        steps_per_round=(1,),
        visits=(),
    )
    return Result(summarise(job, [launch], facts))
