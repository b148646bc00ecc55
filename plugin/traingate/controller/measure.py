"""One measurement: launch after launch until it is decided, each a fresh worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from traingate.controller.child import Child
from traingate.controller.command import yardstick_command
from traingate.controller.job import Job, Observer
from traingate.controller.launch import Knowledge, take
from traingate.controller.steadying import described
from traingate.controller.training_worker import Run
from traingate.gate.statistics import roofline, throughput
from traingate.host.hardware import hardware
from traingate.host.memory import available_bytes
from traingate.layers.stack import Stack
from traingate.protocol.json_values import JSON, plain
from traingate.records import Launch, LayerRecord, Measurement

_MOST_TOGETHER: Final = 4
"""Launches that start up side by side; more would wait for each other's imports."""


@dataclass(frozen=True)
class Result:
    """A measurement, and its operator table where one was asked for."""

    measurement: Measurement
    operators: list[dict[str, JSON]] | None = None


def measure(
    job: Job,
    decided: Callable[[Measurement], bool],
    observer: Observer,
    earlier: Measurement | None = None,
) -> Result:
    """Measure ``job``.

    Args:
        job: what and how.
        decided: asked after the planned launches, and after each further one; only by it measuring
            ends early.
        observer: told how far the measurement is.
        earlier: of the same job, to be gone on with: its launches, fewer than
            ``job`` allows, are the first of the result's.

    Raises:
        WorkloadError: the workload's own code raised.
        WorkerError: a worker died, hung, or spoke another protocol; the message says in
            which launch and step.
    """
    knowledge = Knowledge(peak_rss_bytes=job.peak_rss_bytes or 0)
    launches: list[Launch] = []
    if earlier is not None:
        knowledge.batch_size, knowledge.account = earlier.batch_size, earlier.account
        launches += earlier.launches
    with Child(yardstick_command(), "the yardstick", job.timeouts.start) as yardstick:
        while len(launches) < job.launches.most:
            wanted = job.launches.planned - len(launches)
            count = 1 if job.stack.spans_nodes else together(wanted, knowledge.peak_rss_bytes)
            numbers = range(len(launches) + 1, len(launches) + 1 + count)
            runs = [Run(job, number, observer) for number in numbers]
            launches += _take(job, runs, len(launches) + 1, yardstick, knowledge)
            measurement = _summary(job, launches, knowledge)
            if len(launches) >= job.launches.planned and decided(measurement):
                break
    return Result(measurement, knowledge.operators)


def together(wanted: int, peak_rss_bytes: int) -> int:
    """How many of the next launches to prepare together: they import torch side by side.

    As many as fit into memory; a workload's first launch is alone, since only it tells how much
    one takes. A launch that a verdict may make needless is not begun.

    Args:
        wanted: launches that are sure to be needed.
        peak_rss_bytes: of one, 0 if unknown.
    """
    if wanted < 1 or not peak_rss_bytes:
        return 1
    fit = available_bytes() // (2 * peak_rss_bytes)
    return max(1, min(wanted, fit, _MOST_TOGETHER))


def _take(
    job: Job, runs: Sequence[Run], first: int, yardstick: Child, knowledge: Knowledge
) -> list[Launch]:
    """Prepare these launches side by side, and then measure them one after the other."""
    launches = []
    with ExitStack() as everything:
        ends = [everything.enter_context(ExitStack()) for _ in runs]
        for run, end in zip(runs, ends, strict=True):
            run.start(end)
        yardstick.greet()
        for run in runs:
            run.begin_to_prepare()
        setup_seconds = [run.prepare() for run in runs]
        for number, run in enumerate(runs, first):
            knowledge.meet(run, number)
            seconds = setup_seconds[number - first]
            launch = take(job, run, yardstick, knowledge, number=number, setup_seconds=seconds)
            launches.append(launch)
            ends[number - first].close()
    return launches


def _summary(job: Job, launches: Sequence[Launch], knowledge: Knowledge) -> Measurement:
    samples_per_second, interval = throughput(launches, knowledge.batch_size)
    reached = roofline(launches, knowledge.gemm_flop)
    flops = knowledge.account.flops_per_sample
    return Measurement(
        workload=job.identity,
        stack=layer_records(job.stack),
        scale=job.scale.name,
        batch_size=knowledge.batch_size,
        launches=tuple(launches),
        samples_per_second=samples_per_second,
        samples_per_second_interval=interval,
        flops_per_sample=flops,
        roofline_flops_per_second=reached,
        roofline_share=None if flops is None else flops * samples_per_second / reached,
        operators_per_step=knowledge.account.operators_per_step,
        counters=knowledge.account.counters,
        reasons=knowledge.account.reasons,
        machine=hardware(),
        environment=environment(job, knowledge),
        published=job.published,
    )


def environment(job: Job, knowledge: Knowledge) -> dict[str, Any]:
    """The worker's software, and what was set for steadiness."""
    steadying = {"steady": job.steady, "steadying": described(job.steadying)}
    return {**knowledge.environment, **steadying}


def layer_records(stack: Stack) -> tuple[LayerRecord, ...]:
    """The layers of ``stack`` as a record has them."""
    return tuple(LayerRecord(layer.name, dict(plain(layer.options))) for layer in stack.layers)
