"""Measure a job: launch after launch, each a fresh worker, until they are enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from traingate.controller.child import Child
from traingate.controller.command import yardstick_command
from traingate.controller.job import Job, Observer
from traingate.controller.launch import LaunchFacts, measure_launch
from traingate.controller.profiling import SideProfiles
from traingate.controller.steadying import describe
from traingate.controller.training_worker import TrainingWorker
from traingate.gate.reduction import gemm_rate, step_quantiles, throughput
from traingate.gate.roofline import roofline_of_step
from traingate.host.hardware import hardware
from traingate.host.memory import available_bytes
from traingate.host.packages import version
from traingate.layers.stack import Stack
from traingate.protocol.json_values import as_json
from traingate.records import Launch, LayerRecord, Measurement
from traingate.records.profile import Profile, compact_profile
from traingate.untrusted.plain_text import without_surrogates_inside

_MAX_PREPARED_TOGETHER: Final = 4
"""Largest number of launches that start up side by side; with more, their imports would compete."""

_KEPT_CELLS: Final = 300
"""Number of cells of a profile that a record keeps, with their modules."""


@dataclass(frozen=True)
class Result:
    """Measurement with its profile.

    Attributes:
        measurement: Measurement; its verdict is that of the session, None before it has judged.
        profile: Profile of its last planned launch; None if no launch was profiled.
        sides: Profiles of both sides of the duet that judged it; None if they were not taken.
    """

    measurement: Measurement
    profile: Profile | None = None
    sides: SideProfiles | None = None


def measure(
    job: Job,
    is_decided: Callable[[Measurement], bool],
    observer: Observer,
    earlier_measurement: Measurement | None = None,
) -> Result:
    """Measure *job*, launch after launch.

    Args:
        job: Job to measure.
        is_decided: Function that is called after the planned launches and after each further one;
            measuring ends when it returns True, or when the job allows no more launches.
        observer: Receiver of the progress.
        earlier_measurement: Measurement of the same job to continue: its launches, fewer than the
            job allows, are the first ones of the result.

    Raises:
        WorkloadError: If the workload's own code raised.
        WorkerError: If a worker died, hung, or used another version of the protocol; the message
            names the launch and the step.
        ConfigurationError: If there are fewer cores than ranks, or a layer refuses the training.
    """
    facts = LaunchFacts(peak_rss_bytes=job.peak_rss_bytes or 0)
    launches: list[Launch] = []
    if earlier_measurement is not None:
        facts.batch_size, facts.counts = earlier_measurement.batch_size, earlier_measurement.counts
        facts.environment = earlier_measurement.environment
        facts.memory_bytes_per_second = earlier_measurement.memory_bytes_per_second or 0.0
        facts.profile = earlier_measurement.profile
        launches += earlier_measurement.launches
        facts.steps = len(launches[0].step_seconds)
        facts.warmup_steps = max(launch.warmup_steps for launch in launches)
    with Child(yardstick_command(), "the yardstick", job.timeouts.start) as yardstick:
        while len(launches) < job.launches.maximum:
            planned = job.launches.planned - len(launches)
            if job.stack.spans_nodes:
                planned = 1
            count = count_prepared_together(planned, facts.peak_rss_bytes)
            numbers = range(len(launches) + 1, len(launches) + 1 + count)
            launches += _measure_launches(job, numbers, observer, yardstick, facts)
            measurement = summarise(job, launches, facts)
            if len(launches) >= job.launches.planned and is_decided(measurement):
                break
    return Result(measurement, facts.profile)


def count_prepared_together(planned: int, peak_rss_bytes: int) -> int:
    """Return how many of the next launches to prepare together, importing torch side by side.

    As many are prepared as fit into half of the available memory, but at most four. The first
    launch of a workload is prepared alone, since only its measurement shows how much memory a
    launch takes. A launch that the next verdict may make unnecessary is not prepared in advance.

    Args:
        planned: Number of launches that will be measured in any case.
        peak_rss_bytes: Peak memory of one launch, in bytes; 0 if unknown.
    """
    if planned < 1 or not peak_rss_bytes:
        return 1
    fitting_count = available_bytes() // (2 * peak_rss_bytes)
    return max(1, min(planned, fitting_count, _MAX_PREPARED_TOGETHER))


def summarise(job: Job, launches: Sequence[Launch], facts: LaunchFacts) -> Measurement:
    """Return the measurement that consists of these launches, with or without a yardstick."""
    samples_per_second, interval = throughput(launches, facts.batch_size)
    fp32_rate = gemm_rate(launches, facts.gemm_flop) if facts.gemm_flop else None
    counts = facts.counts
    limit = roofline_of_step(
        counts,
        facts.batch_size,
        facts.ranks,
        flops_per_second=fp32_rate and fp32_rate * facts.precision_speedup,
        memory_bytes_per_second=facts.memory_bytes_per_second,
    )
    return Measurement(
        workload=job.identity,
        stack=layer_records(job.stack),
        scale=job.scale.name,
        batch_size=facts.batch_size,
        launches=tuple(launches),
        samples_per_second=samples_per_second,
        samples_per_second_interval=interval,
        step_seconds_quantiles=step_quantiles(launches),
        flops_per_sample=counts.flops_per_sample,
        roofline_flops_per_second=fp32_rate,
        yardstick=facts.yardstick,
        precision=facts.precision,
        precision_speedup=facts.precision_speedup,
        bytes_per_sample=counts.bytes_per_sample,
        fixed_bytes_per_step=counts.fixed_bytes_per_step,
        memory_bytes_per_second=facts.memory_bytes_per_second or None,
        roofline_share=limit and limit.seconds * samples_per_second / facts.batch_size,
        bound=limit.bound if limit else "",
        operators_per_step=counts.operators_per_step,
        counters=counts.counters,
        reasons=counts.reasons,
        profile=facts.profile and compact_profile(facts.profile, _KEPT_CELLS),
        machine=hardware(),
        environment=environment(job, facts),
        environment_name=job.environment.name,
        torch_today=version("torch") or "",
    )


def environment(job: Job, facts: LaunchFacts) -> dict[str, Any]:
    """Return the worker's software with traingate's version and its settings against scatter."""
    settings = {
        "traingate": version("pytest-traingate"),
        "steady": job.steady,
        "steadying": describe(job.steadying),
    }
    return {**facts.environment, **settings}


def layer_records(stack: Stack) -> tuple[LayerRecord, ...]:
    """Return the layers of *stack* in the form of a record."""
    return tuple(
        LayerRecord(layer.name, without_surrogates_inside(as_json(layer.options)))
        for layer in stack.layers
    )


def _measure_launches(
    job: Job, numbers: range, observer: Observer, yardstick: Child, facts: LaunchFacts
) -> list[Launch]:
    """Prepare launches side by side, and then measure them one after the other."""
    launches = []
    with ExitStack() as exit_stack:
        workers = [TrainingWorker(job, number, observer) for number in numbers]
        exits = [exit_stack.enter_context(ExitStack()) for _ in workers]
        for worker, worker_exit in zip(workers, exits, strict=True):
            worker.start(worker_exit)
        yardstick.wait_for_hello()
        for worker in workers:
            worker.request_preparation()
        setup_seconds = [worker.wait_until_prepared() for worker in workers]
        for number, worker, worker_exit, seconds in zip(
            numbers, workers, exits, setup_seconds, strict=True
        ):
            facts.check(worker, number)
            launches.append(
                measure_launch(job, worker, yardstick, facts, number=number, setup_seconds=seconds)
            )
            worker_exit.close()
    return launches
