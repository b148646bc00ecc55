"""Drive the worker of one launch, from its start to the message that proves its success."""

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
_MAX_WARMUP_STEPS: Final = 20
_WARMUP_STEPS_ACROSS_NODES: Final = 5
"""Number of warm-up steps on several nodes. It is fixed, because the controller of one node does
not know whether another node still compiles."""


class TrainingWorker:
    """Worker of one launch.

    Call ``start``, ``request_preparation``, ``wait_until_prepared``, ``warm_up``, ``steps`` and
    ``finish`` in this order. The first three may overlap with those of other launches; nothing is
    measured in them.

    Args:
        job: Job to measure.
        number: Number of the launch, from 1.
        observer: Receiver of the progress.

    Attributes:
        batch_size: Samples per step of the whole process group, once the training is built.
        environment: Software and settings of the worker, once the training is built.
    """

    batch_size = 0

    def __init__(self, job: Job, number: int, observer: Observer) -> None:
        side = job.side or Side("")
        command = training_command(
            job.stack, job.steadying, job.compile_cache, side.interpreter, side.folder
        )
        side_name = f" of the base, {side.title}" if side.title else ""
        self._label = f"launch {number}{side_name}"
        self._worker = Child(command, self._label, job.timeouts.start)
        self._job = job
        self._number = number
        self._observer = observer
        self.environment: dict[str, Any] = {}

    def start(self, exit_stack: ExitStack) -> None:
        """Start the worker's process.

        Args:
            exit_stack: Exit stack that ends the process.
        """
        self._report_launch()
        exit_stack.callback(self._report_output)  # after the end of the process
        exit_stack.enter_context(self._worker)

    def request_preparation(self) -> None:
        """Wait until torch is imported, and let the worker start to build the training."""
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

    def wait_until_prepared(self) -> float:
        """Wait until the training is built, and return the time that it took, in seconds."""
        self._observer.doing("building the training")
        seconds, doing = self._job.timeouts.step, "while it built the training"
        answers = self._worker.receive(messages.Prepared, seconds, doing)
        local = sum(prepared.batch_size for prepared in answers)
        self.batch_size = local * self._worker.world_size // len(answers)
        self.environment = dict(answers[0].environment)
        return max(prepared.setup_seconds for prepared in answers)

    def warm_up(self) -> tuple[float, float]:
        """Take the warm-up steps of the scale, and further ones as long as steps compile.

        There are at most 20, and on several nodes always 5.

        Returns:
            Seconds of the first and of the last warm-up step.
        """
        job = self._job
        self._report_launch()
        min_steps = job.scale.warmup_steps
        if job.steps is not None:  # the article (docs/evidence/layers.md) skips a tenth
            min_steps = max(1, min(min_steps, job.steps // 10))
        first, _ = self._warm_up_step("first step", "in its first step", job.timeouts.first_step)
        for number in range(1, _MAX_WARMUP_STEPS + 1):
            step_name = f"warm-up step {number}"
            last, compiled = self._warm_up_step(step_name, f"in {step_name}", job.timeouts.step)
            if job.stack.spans_nodes:
                is_warm = number == _WARMUP_STEPS_ACROSS_NODES
            else:
                is_warm = number >= min_steps and not compiled
            if is_warm:
                break
        return first, last

    def steps(self, count: int, offset: int, total: int) -> Iterator[list[messages.Stepped]]:
        """Take measured steps, and yield the answers of all ranks for each.

        Args:
            count: Number of steps to take.
            offset: Number of measured steps before these.
            total: Number of measured steps of the whole launch.
        """
        self._worker.send(messages.Step(count))
        for number in range(offset + 1, offset + 1 + count):
            doing = f"in step {number} of {total}"
            answers = self._worker.receive(messages.Stepped, self._job.timeouts.step, doing)
            yield answers
            slowest = max(answer.step_seconds for answer in answers)
            self._observer.stepped(number, total, self.batch_size / slowest)

    def wait_until_idle(self) -> bool:
        """Wait until the worker's threads sleep, and return whether they do (see ``idle``)."""
        return wait_until_idle(self._worker.pid)

    def finish(self) -> list[messages.Finished]:
        """Return the Finished message of each rank; only this proves that the launch succeeded."""
        seconds = self._job.timeouts.step
        return self._worker.ask(
            messages.Finish(), messages.Finished, seconds, "after its last step"
        )

    def count_work(self) -> messages.WorkCounted:
        """Return the counted work of a plain step; None for both numbers if counting fails."""
        self._observer.doing("counting FLOPs")
        seconds = self._job.timeouts.step
        with contextlib.suppress(WorkerError):
            return self._worker.ask_first(
                messages.CountWork(), messages.WorkCounted, seconds, "while it counted its work"
            )
        return messages.WorkCounted(None, None)

    def profile(self) -> list[dict[str, JSON]]:
        """Take two further steps under the profiler, and return their operator table."""
        seconds = self._job.timeouts.step * _PROFILED_STEPS
        answers = self._worker.ask(
            messages.Profile(_PROFILED_STEPS), messages.Profiled, seconds, "in its profiled steps"
        )
        return answers[0].operators

    def _report_output(self) -> None:
        """Report what the process printed to the observer."""
        if self._worker.output:
            self._observer.printed(self._label, self._worker.output)

    def _report_launch(self) -> None:
        """Report the number of this launch to the observer."""
        self._observer.launching(self._number, max(self._number, self._job.launches.planned))

    def _warm_up_step(self, step_name: str, doing: str, seconds: float) -> tuple[float, bool]:
        """Take one step, and return its seconds and whether anything was compiled in it."""
        self._observer.doing(step_name)
        answers = self._worker.ask(messages.WarmUp(), messages.WarmedUp, seconds, doing)
        return max(rank.step_seconds for rank in answers), any(rank.compiled for rank in answers)
