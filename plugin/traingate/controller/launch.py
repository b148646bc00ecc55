"""Measure one launch by itself, with the yardstick between its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from traingate.controller.child import Child
from traingate.controller.environment import merged_environment
from traingate.controller.job import Job, ProfilePlan
from traingate.controller.launch_record import checked, counters_of, launch_record
from traingate.controller.schedule import Rounds, plan_rounds
from traingate.controller.steps import Steps
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up
from traingate.errors import TraingateError, WorkerError
from traingate.protocol import messages
from traingate.records import Counts, Launch
from traingate.records.profile import Profile


@dataclass
class LaunchFacts:
    """Facts that the launches of one measurement share, for later launches and for the record.

    Attributes:
        batch_size: Samples per step of all ranks, 0 before the first launch.
        environment: Software and settings that the worker reports.
        gemm_flop: Floating point operations of one GEMM of the yardstick.
        yardstick: Library that the yardstick computes with, empty before the first launch.
        steps: Number of measured steps, the same in all launches; 0 before the first launch.
        warmup_steps: Largest number of warm-up steps of a launch.
        counts: Largest counters of all launches.
        peak_rss_bytes: Largest peak memory of a launch with its data workers, in bytes; 0 if
            unknown.
        profile: Profile of the last planned launch, None if none was profiled.
        precision: Name of the torch dtype that the training computes in.
        precision_speedup: Rate of a matrix product in it, divided by the rate in fp32.
        memory_bytes_per_second: Bandwidth of the memory; 0 if it was not measured.
        ranks: Number of ranks.
    """

    batch_size: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    gemm_flop: float = 0.0
    yardstick: str = ""
    steps: int = 0
    warmup_steps: int = 0
    counts: Counts = field(default_factory=lambda: Counts(counters={}))
    peak_rss_bytes: int = 0
    profile: Profile | None = None
    precision: str = "float32"
    precision_speedup: float = 1.0
    memory_bytes_per_second: float = 0.0
    ranks: int = 1

    def check(self, worker: TrainingWorker, number: int) -> None:
        """Keep the facts of a prepared launch, after checking its batch size.

        Args:
            worker: Worker that has built its training.
            number: Number of the launch, from 1.

        Raises:
            WorkerError: If its batches are not as large as those of the earlier launches.
        """
        if self.batch_size not in {0, worker.batch_size}:
            raise WorkerError(
                f"launch {number}, while it built the training: it has batches of "
                f"{worker.batch_size}, and launch 1 had {self.batch_size}: the workload "
                f"must be the same each time\n{worker.log_end()}"
            )
        self.batch_size = worker.batch_size

    def add(self, finish_messages: Sequence[messages.Finished]) -> None:
        """Add the counters, the memory and the software that the ranks of a launch reported.

        Raises:
            WorkerError: If an imported package is not the one that an earlier launch imported.
        """
        self.environment = merged_environment(self.environment, finish_messages[0].environment)
        self.counts = self.counts.merged_with(*counters_of(finish_messages))
        self.ranks = len(finish_messages)
        self.precision = finish_messages[0].precision
        self.precision_speedup = finish_messages[0].precision_speedup
        peak = sum(rank.peak_rss_bytes + rank.data_workers_bytes for rank in finish_messages)
        self.peak_rss_bytes = max(self.peak_rss_bytes, peak)


def measure_launch(
    job: Job,
    worker: TrainingWorker,
    yardstick: Child,
    facts: LaunchFacts,
    *,
    number: int,
    setup_seconds: float,
) -> Launch:
    """Warm up, measure, and return the launch; count its work and profile it if the job asks.

    Args:
        job: Job that is measured.
        worker: Worker that has built its training and was passed to ``facts.check``.
        yardstick: Process of the yardstick.
        facts: Facts of the measurement, which this launch extends.
        number: Number of the launch, from 1.
        setup_seconds: Time that building the training took, in seconds.
    """
    least_steps = max(job.warmup_steps, facts.warmup_steps)
    (warm_up_result,) = warm_up(job, [worker], least_steps)
    step_seconds = warm_up_result.step_seconds
    facts.steps = facts.steps or job.steps or job.scale.steps_for(step_seconds, worker.epoch_steps)
    facts.warmup_steps = warm_up_result.steps
    beside = f"beside launch {number}"
    visit_yardstick = _YardstickVisit(yardstick, job.timeouts.step, beside)
    unit = visit_yardstick(1)
    rounds = plan_rounds(
        facts.steps, step_seconds, unit.gemm_seconds + unit.triad_seconds, worker.data_workers
    )
    steps, visits = _measure_rounds(worker, visit_yardstick, rounds)
    finish_messages = worker.finish()
    launch = launch_record(
        steps.with_usual_waits(worker.data_workers),
        warm_up_result,
        finish_messages,
        setup_seconds=setup_seconds,
        steps_per_round=rounds.steps_per_round,
        visits=visits,
    )
    launch = checked(launch, f"launch {number}", worker.log_end)
    facts.gemm_flop, facts.yardstick = unit.gemm_flop, unit.library
    facts.add(finish_messages)
    if number == 1:
        count_work(job, worker, facts)
    moves_bytes = facts.counts.bytes_per_sample or facts.counts.fixed_bytes_per_step
    if moves_bytes and not facts.memory_bytes_per_second:
        worker.freeze()
        facts.memory_bytes_per_second = visit_yardstick.measure_bandwidth()
    if job.profile is not None and number == job.launches.planned:
        facts.profile = _profile(worker, job.profile)
    return launch


def _profile(worker: TrainingWorker, plan: ProfilePlan) -> Profile | None:
    """Return the profile of a worker; None if it fails and the user has not asked for it.

    Raises:
        WorkerError, WorkloadError: If it fails and the user has asked for it.
    """
    try:
        return worker.profile(plan)
    except TraingateError:
        if plan.folder is not None:
            raise
        return None  # the measurement is complete without it


def count_work(job: Job, worker: TrainingWorker, facts: LaunchFacts) -> None:
    """Add the FLOPs and operators of a plain step to *facts*, counted if the job lacks them.

    Args:
        job: Job that is measured.
        worker: Worker whose launch has succeeded.
        facts: Facts of the measurement.
    """
    work = job.work or worker.count_work()
    facts.counts = msgspec.structs.replace(
        facts.counts,
        flops_per_sample=work.flops_per_sample,
        operators_per_step=work.operators_per_step,
        bytes_per_sample=work.bytes_per_sample,
        fixed_bytes_per_step=work.fixed_bytes_per_step,
    )


class _YardstickVisit:
    """Visit of the yardstick, while all processes of the worker are stopped.

    Args:
        yardstick: Process of the yardstick.
        seconds: Time limit of a visit.
        activity: Activity of the yardstick, for error messages.
    """

    def __init__(self, yardstick: Child, seconds: float, activity: str) -> None:
        self._yardstick, self._seconds, self._activity = yardstick, seconds, activity

    def __call__(self, repeats: int) -> messages.Measured:
        """Let the yardstick do *repeats* units of its work, and return their mean times."""
        message = messages.Measure(repeats)
        return self._yardstick.ask_first(message, messages.Measured, self._seconds, self._activity)

    def measure_bandwidth(self) -> float:
        """Let the yardstick measure the bandwidth of the memory, in bytes per second."""
        message = messages.MeasureBandwidth()
        return self._yardstick.ask_first(
            message, messages.Bandwidth, self._seconds, self._activity
        ).bytes_per_second


def _measure_rounds(
    worker: TrainingWorker, visit_yardstick: _YardstickVisit, rounds: Rounds
) -> tuple[Steps, list[messages.Measured]]:
    """Measure all rounds, and return their steps and the visits of the yardstick."""
    total = sum(rounds.steps_per_round)
    steps = Steps()
    visits = [visit_yardstick(rounds.repeats)]
    for count in rounds.steps_per_round:
        steps += worker.take_steps(count, len(steps.answers), total)
        visits.append(visit_yardstick(rounds.repeats))
    return steps, visits
