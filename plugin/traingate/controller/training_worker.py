"""Drive the worker of one launch, from its start to the message that proves its success."""

from __future__ import annotations

import contextlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from traingate.controller.build_locks import remove_stale_locks
from traingate.controller.caches import EXTENSIONS_VARIABLE
from traingate.controller.child import Child
from traingate.controller.command import training_command
from traingate.controller.job import Job, Observer, ProfilePlan, Side
from traingate.controller.steps import Steps
from traingate.controller.worker_clock import WorkerClock
from traingate.errors import ProtocolError, WorkerError
from traingate.host.memory import resident_bytes
from traingate.layers.recipe import TrainingForm
from traingate.protocol import messages
from traingate.protocol.json_values import as_json
from traingate.records.plausibility import check_environment
from traingate.records.profile import Profile
from traingate.untrusted.files import copy_atomically

_TRACE: Final = "trace.json.gz"
"""Name of the file into which a worker writes its trace, in its private directory."""


class TrainingWorker:
    """Worker of one launch.

    Call ``start``, ``request_preparation``, ``wait_until_prepared``, ``warm_up_step``,
    ``take_steps`` and ``finish`` in this order. The first three may overlap with those of other
    launches; nothing is measured in them. Once the training is built, all processes of the worker
    are stopped except while it answers a command, so that it cannot slow down another one.

    Args:
        job: Job to measure.
        number: Number of the launch, from 1.
        observer: Receiver of the progress.

    Attributes:
        batch_size: Samples per step of the whole process group, once the training is built.
        epoch_steps: Number of steps in one pass over the dataset, None if unknown.
        data_workers: Number of processes or threads that load its data, after the first step.
        prefetched_batches: Number of batches that its loader fetches ahead, once the training is
            built.
        form: Parts that the training has, once it is built.
    """

    batch_size = 0
    epoch_steps: int | None = None
    data_workers = 0
    prefetched_batches = 0
    form = TrainingForm()

    def __init__(self, job: Job, number: int, observer: Observer) -> None:
        side = job.side or Side("")
        command = training_command(
            job.process_request,
            job.steadying,
            job.compile_cache,
            job.interpreter,
            side.folder,
            side_caches=job.side_caches,
        )
        # Sets of strings have the same order in all launches.
        hash_seed = {"PYTHONHASHSEED": str(job.seed)}
        command = replace(command, environment={**hash_seed, **command.environment})
        side_name = f" of the base, {side.title}" if side.title else ""
        self._extensions = Path(command.environment[EXTENSIONS_VARIABLE])
        self._name = f"launch {number}{side_name}"
        self._worker = Child(command, self._name, job.timeouts.start)
        self._clock = WorkerClock(self._name, self._worker.log_end)
        self._job = job
        self._number = number
        self._busy_turns = 0
        self._observer = observer

    @property
    def resident_bytes(self) -> int:
        """Return the present memory of its processes, in bytes."""
        return resident_bytes(self._worker.pid)

    def start(self, exit_stack: ExitStack) -> None:
        """Start the worker's process.

        Args:
            exit_stack: Exit stack that ends the process.
        """
        self._report_launch()
        remove_stale_locks(self._extensions)
        exit_stack.callback(self._report_output)  # after the end of the process
        exit_stack.enter_context(self._worker)

    def request_preparation(self) -> None:
        """Wait until torch is imported, and let the worker start to build the training."""
        job = self._job
        relocation = job.side and job.side.relocation
        self._observer.doing("importing torch")
        self._worker.wait_for_hello()
        self._clock.start()
        self._worker.send(
            messages.Prepare(
                workload=as_json(vars(job.workload)),
                layers=job.stack.factories(),
                import_paths=list(job.import_paths),
                scale=job.scale.name,
                seed=job.seed,
                relocation=as_json(vars(relocation)) if relocation else None,
                project=str(job.project or ""),
            )
        )

    def wait_until_prepared(self) -> float:
        """Wait until the training is built, and return the time that it took, in seconds."""
        self._observer.doing("building the training")
        seconds, doing = self._job.timeouts.setup, "while it built the training"
        answers = self._worker.receive(messages.Prepared, seconds, doing)
        local = sum(prepared.batch_size for prepared in answers)
        self.batch_size = local * self._worker.world_size // len(answers)
        self.epoch_steps = answers[0].epoch_steps
        self.prefetched_batches = max(prepared.prefetched_batches for prepared in answers)
        try:
            form = TrainingForm(**answers[0].form)  # type: ignore[arg-type]
            self.form = msgspec.convert(vars(form), TrainingForm)
        except (TypeError, msgspec.ValidationError) as error:
            raise self._implausible(doing, f"form: {error}") from error
        self._clock.stop()
        for answer in answers:
            self._clock.check_duration(answer.setup_seconds, doing)
        self.freeze()
        return max(prepared.setup_seconds for prepared in answers)

    def warm_up_step(self, number: int) -> tuple[float, bool]:
        """Take one step before measuring.

        Args:
            number: Number of the step; 0 for the first one, which compiles.

        Returns:
            Seconds of the step, and whether anything was compiled in it.
        """
        timeouts = self._job.timeouts
        if number == 0:
            self._report_launch()
        name = f"warm-up step {number}" if number else "first step"
        doing = f"in {name}" if number else "in its first step"
        self._observer.doing(name)
        seconds = timeouts.step if number else timeouts.first_step
        self._clock.start()
        answers = self._worker.ask(messages.WarmUp(), messages.WarmedUp, seconds, doing)
        self._clock.stop()
        self._clock.check_steps([answers], doing, is_measured=False)
        self.data_workers = max(rank.data_workers for rank in answers)
        return max(rank.step_seconds for rank in answers), any(rank.compiled for rank in answers)

    def log_end(self) -> str:
        """Return the last lines that the worker has printed, for an error message."""
        return self._worker.log_end()

    def freeze(self) -> None:
        """Stop all processes of the worker.

        If one of them may still run, this counts as a busy turn of the next steps.
        """
        self._busy_turns += not self._worker.freeze()

    def take_steps(self, count: int, offset: int, total: int) -> Steps:
        """Take measured steps, one directly after the other, and stop the worker after them.

        Args:
            count: Number of steps to take.
            offset: Number of measured steps before these.
            total: Number of measured steps of the whole launch.
        """
        self._clock.start()
        self._worker.send(messages.Step(count), f"before step {offset + 1} of {total}")
        answers: list[list[messages.Stepped]] = []
        for number in range(offset + 1, offset + 1 + count):
            doing = f"in step {number} of {total}"
            answers.append(self._receive_step(number, doing))
            if len(answers) == count:
                self._clock.stop()
                self.freeze()
        self._clock.check_steps(answers, doing)
        # Only now, since drawing the progress takes time from the steps.
        slowest = max(answer.step_seconds for answer in answers[-1])
        self._observer.stepped(offset + count, total, self.batch_size / slowest)
        busy_turns, self._busy_turns = self._busy_turns, 0
        return Steps(tuple(answers), turn_starts=(0,), busy_turns=busy_turns)

    def _receive_step(self, number: int, doing: str) -> list[messages.Stepped]:
        """Return the answer of each rank to one step.

        Raises:
            ProtocolError: If an answer is that of another step.
        """
        answers = self._worker.receive(messages.Stepped, self._job.timeouts.step, doing)
        for answer in answers:
            if answer.number != number:
                raise ProtocolError(
                    f"{self._name}, {doing}: the answer is that of step {answer.number}, so one "
                    f"was sent twice or is missing.\n{self._worker.log_end()}"
                )
        return answers

    def _implausible(self, doing: str, problem: str) -> ProtocolError:
        """Return the error for an answer that the workload must have changed."""
        return ProtocolError(
            f"{self._name}, {doing}: its answer cannot be right: {problem}\n"
            f"{self._worker.log_end()}"
        )

    def finish(self) -> list[messages.Finished]:
        """Return the Finished message of each rank; only this proves that the launch succeeded.

        Raises:
            ConfigurationError: If it imported other files of the project than earlier launches.
        """
        seconds = self._job.timeouts.step
        self._clock.start()
        answers = self._worker.ask(
            messages.Finish(), messages.Finished, seconds, "after its last step"
        )
        self._clock.stop()
        self._clock.check_clock(answers, "after its last step")
        try:
            check_environment(answers[0].environment)
            _ = answers[0].environment["torch"]
        except (ValueError, KeyError) as error:
            raise self._implausible("after its last step", f"environment: {error}") from error
        for answer in answers:
            self._job.imported_files.add(self._name, answer.imported_files)
        return answers

    def count_work(self) -> messages.WorkCounted:
        """Return the counted work of a plain step; all of it is None if counting fails."""
        self._observer.doing("counting FLOPs")
        seconds = self._job.timeouts.step
        with contextlib.suppress(WorkerError):
            return self._worker.ask_first(
                messages.CountWork(), messages.WorkCounted, seconds, "while it counted its work"
            )
        return messages.WorkCounted(None, None)

    def profile(self, plan: ProfilePlan) -> Profile:
        """Take further steps under profilers, and return the profile of the slowest rank.

        Raises:
            WorkerError: If the worker fails, if its profile is damaged, or if its trace cannot be
                kept.
        """
        self._observer.doing("profiling")
        timeouts = self._job.timeouts
        # The worker writes into its own directory, so that no half of a trace replaces a good one.
        trace = str(self._worker.directory / _TRACE) if plan.trace else ""
        answers = self._worker.ask(
            messages.Profile(plan.steps, trace, plan.details),
            messages.Profiled,
            timeouts.step * plan.steps + (timeouts.first_step if plan.details else 0.0),
            "in its profiled steps",
        )
        self.freeze()
        try:
            profiles = [msgspec.convert(answer.profile, Profile) for answer in answers]
        except msgspec.ValidationError as error:
            raise self._implausible("in its profiled steps", f"profile: {error}") from error
        if plan.trace:
            self._keep_traces(plan.trace)
        return max(profiles, key=lambda profile: profile.step_seconds)

    def _keep_traces(self, path: str) -> None:
        """Copy the traces of the ranks to *path*, that of another rank than 0 with its number."""
        for rank in self._worker.ranks:
            trace, copy = self._worker.directory / _TRACE, Path(path)
            if rank:
                trace = trace.with_name(f"{_TRACE}.{rank}")
                copy = copy.with_name(copy.name.replace(".", f".rank{rank}.", 1))
            try:
                copy_atomically(trace, copy)
            except OSError as error:
                raise WorkerError(
                    f"{self._name}: its trace was not written to {copy}: {error}"
                ) from error

    def _report_output(self) -> None:
        """Report what the process printed to the observer."""
        if self._worker.output:
            self._observer.printed(self._name, self._worker.output)

    def _report_launch(self) -> None:
        """Report the number of this launch to the observer."""
        self._observer.launching(self._number, max(self._number, self._job.launches.planned))
