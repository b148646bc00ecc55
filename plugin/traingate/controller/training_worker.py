"""One launch: a worker from its start to the message that proves it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

from traingate.controller.child import Child
from traingate.controller.command import training_command
from traingate.controller.idle import wait_until_idle
from traingate.controller.job import Job, Observer, Side
from traingate.errors import WorkerError
from traingate.protocol import messages
from traingate.protocol.json_values import JSON, as_json

_PROFILED_STEPS: Final = 2
_MOST_WARMUP_STEPS: Final = 20
_WARMUP_STEPS_ACROSS_NODES: Final = 5
"""A fixed number, since no node knows what another one has seen compiled."""


class TrainingWorker:
    """One launch, step by step, under an ExitStack that ends it.

    ``start`` and ``prepare`` may overlap with those of other launches; nothing is timed in them.

    Args:
        job: what to measure, and how.
        number: of the launch, from 1.
        observer: told how far it is.

    Attributes:
        batch_size: samples per step of the whole group, known once it is prepared.
        environment: the worker's software, likewise.
    """

    batch_size = 0

    def __init__(self, job: Job, number: int, observer: Observer) -> None:
        side = job.side or Side("")
        command = training_command(
            job.stack, job.steadying, job.compile_cache, side.interpreter, side.folder
        )
        whose = f" of the base, {side.title}" if side.title else ""
        self._worker = Child(command, f"launch {number}{whose}", job.timeouts.start)
        self._job = job
        self._number = number
        self._observer = observer
        self.environment: dict[str, Any] = {}

    def start(self, until: ExitStack) -> None:
        """Start the worker; ``until`` ends it."""
        self._announce()
        until.enter_context(self._worker)

    def begin_to_prepare(self) -> None:
        """Let the worker build the training, without waiting for it."""
        job = self._job
        relocation = job.side and job.side.relocation
        self._observer.doing("importing torch")
        self._worker.wait_for_hello()
        self._worker.send(
            messages.Prepare(
                workload=as_json(vars(job.workload)),
                layers=job.stack.factories(),
                import_paths=list(job.import_paths),
                scale=job.scale.name,
                seed=job.seed + self._number,
                relocation=as_json(vars(relocation)) if relocation else None,
            )
        )

    def prepare(self) -> float:
        """Wait until the training stands; the seconds it took."""
        self._observer.doing("building the training")
        seconds, doing = self._job.timeouts.step, "while it built the training"
        answers = self._worker.receive(messages.Prepared, seconds, doing)
        local = sum(prepared.batch_size for prepared in answers)
        self.batch_size = local * self._worker.world_size // len(answers)
        self.environment = dict(answers[0].environment)
        return max(prepared.setup_seconds for prepared in answers)

    def warm_up(self) -> tuple[float, float]:
        """Step until nothing is compiled any more; seconds of the first and the last step."""
        job = self._job
        self._announce()
        least = job.scale.warmup_steps
        if job.steps is not None:  # of few steps, a tenth is skipped, as the article does
            least = max(1, min(least, job.steps // 10))
        first, _ = self._warm_up_step("first step", "in its first step", job.timeouts.first_step)
        for number in range(1, _MOST_WARMUP_STEPS + 1):
            what = f"warm-up step {number}"
            last, compiled = self._warm_up_step(what, f"in {what}", job.timeouts.step)
            if job.stack.spans_nodes:
                done = number == _WARMUP_STEPS_ACROSS_NODES
            else:
                done = number >= least and not compiled
            if done:
                break
        return first, last

    def steps(self, count: int, done: int, planned: int) -> Iterator[list[messages.Stepped]]:
        """Take ``count`` measured steps; yields the answers of all ranks for each.

        Args:
            count: how many.
            done: before them.
            planned: in all.
        """
        self._worker.send(messages.Step(count))
        for number in range(done + 1, done + 1 + count):
            doing = f"in step {number} of {planned}"
            ranks = self._worker.receive(messages.Stepped, self._job.timeouts.step, doing)
            yield ranks
            slowest = max(rank.step_seconds for rank in ranks)
            self._observer.stepped(number, planned, self.batch_size / slowest)

    def wait_until_idle(self) -> bool:
        """Wait until the worker's threads sleep; whether they do."""
        return wait_until_idle(self._worker.pid)

    def finish(self) -> list[messages.Finished]:
        """What each rank says at the end; only this proves the launch."""
        seconds = self._job.timeouts.step
        return self._worker.ask(
            messages.Finish(), messages.Finished, seconds, "after its last step"
        )

    def count_work(self) -> messages.WorkCounted:
        """What a plain step does; what goes wrong costs these numbers alone."""
        self._observer.doing("counting FLOPs")
        seconds = self._job.timeouts.step
        with contextlib.suppress(WorkerError):
            return self._worker.ask_first(
                messages.CountWork(), messages.WorkCounted, seconds, "counting"
            )
        return messages.WorkCounted(None, None)

    def profile(self) -> list[dict[str, JSON]]:
        """The operator table of two further steps."""
        seconds = self._job.timeouts.step * _PROFILED_STEPS
        profiled = self._worker.ask(
            messages.Profile(_PROFILED_STEPS), messages.Profiled, seconds, "profiled"
        )
        return profiled[0].operators

    def _announce(self) -> None:
        self._observer.launching(self._number, max(self._number, self._job.launches.planned))

    def _warm_up_step(self, what: str, doing: str, seconds: float) -> tuple[float, bool]:
        self._observer.doing(what)
        warm = self._worker.ask(messages.WarmUp(), messages.WarmedUp, seconds, doing)
        return max(rank.step_seconds for rank in warm), any(rank.compiled for rank in warm)
