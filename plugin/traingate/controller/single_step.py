"""Take one step of a training, to check that it runs without measuring it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.controller.launch import LaunchFacts
from traingate.controller.measure import Result, summarise
from traingate.controller.training_worker import TrainingWorker
from traingate.records import Launch


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
        first_step_seconds, _ = worker.warm_up()
        (ranks,) = worker.steps(1, 0, 1)
        finish_messages = worker.finish()
    facts.add(finish_messages)
    launch = Launch(
        step_seconds=(max(rank.step_seconds for rank in ranks),),
        data_seconds=(max(rank.data_seconds for rank in ranks),),
        steps_per_round=(1,),
        gemm_seconds=(),
        triad_seconds=(),
        yardstick_seconds=(),
        first_step_seconds=first_step_seconds,
        setup_seconds=setup_seconds,
        peak_rss_bytes=facts.peak_rss_bytes,
        minor_page_faults_per_step=sum(rank.minor_page_faults_per_step for rank in finish_messages),
        counters=finish_messages[0].counters,
    )
    return Result(summarise(job, [launch], facts))
