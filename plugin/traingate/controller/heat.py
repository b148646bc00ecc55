"""Measure a heat: one launch of each of several jobs, which step in turn and stop in between.

A launch that fails is left out of the rest of the heat, and so is one that the caller ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from traingate.controller.child import Child
from traingate.controller.command import yardstick_command
from traingate.controller.job import Job, Observer
from traingate.controller.schedule import HeatTurns, plan_heat
from traingate.controller.steps import Steps
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import WarmUp, warm_up
from traingate.errors import EditedFileError, TraingateError, WorkerError
from traingate.protocol import messages
from traingate.untrusted.clock import monotonic


@dataclass
class HeatLaunch:
    """Launch of one job in a heat.

    Attributes:
        number: Index of the job in the heat.
        job: Job.
        worker: Its worker.
        exit_stack: Stack that ends the worker.
        turns: Measured steps of each turn.
        warm_up: Warm-up; None before it.
        setup_seconds: Time that building the training took, in seconds.
        steps_per_turn: Number of steps in each turn.
        planned_rounds: Number of rounds that are planned for the heat; 0 before the first.
        error: Error by which it failed; None if it has not failed.
        is_stepping: True while it takes the steps of a turn.
        is_finishing: True once it has been asked to end.
        is_ended: True if the caller has ended it, or if there was no time left to warm it up.
        finished: Messages by which its ranks have reported success; empty if they have not.
    """

    number: int
    job: Job
    worker: TrainingWorker
    exit_stack: ExitStack
    turns: list[Steps] = field(default_factory=list)
    warm_up: WarmUp | None = None
    setup_seconds: float = 0.0
    steps_per_turn: int = 1
    planned_rounds: int = 0
    error: TraingateError | None = None
    is_stepping: bool = False
    is_finishing: bool = False
    is_ended: bool = False
    finished: list[messages.Finished] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Return whether it still takes part."""
        return self.error is None and not self.is_ended

    @property
    def turn_seconds(self) -> tuple[float, ...]:
        """Return the total time of the steps of each turn, with the usual waits for data."""
        steps = Steps()
        for turn in self.turns:
            steps += turn
        seconds = steps.with_usual_waits(self.worker.data_workers).step_seconds
        size = self.steps_per_turn
        return tuple(sum(seconds[first : first + size]) for first in range(0, len(seconds), size))

    @property
    def busy_turns(self) -> int:
        """Return the number of turns after which a process could not be stopped."""
        return sum(turn.busy_turns for turn in self.turns)

    def take_turn(self, number: int) -> None:
        """Take the steps of a turn.

        Args:
            number: Index of the round.
        """
        count = self.steps_per_turn
        self.is_stepping = True
        with self.guarded():
            steps = self.worker.take_steps(count, number * count, self.planned_rounds * count)
            self.turns.append(steps)
        self.is_stepping = False

    def finish(self) -> None:
        """Ask the worker for the message that proves its success, and end it.

        If Ctrl-C has broken that off, nothing more is asked.
        """
        if self.is_finishing:
            return
        self.is_finishing = True
        with self.guarded():
            self.finished = self.worker.finish()
        self.exit_stack.close()

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Yield, and end the launch with the error that is raised meanwhile.

        Raises:
            EditedFileError: If the code was edited, so that no launch after it would be comparable.
        """
        try:
            yield
        except EditedFileError:
            raise
        except TraingateError as error:
            self.error = error
            self.exit_stack.close()


_LEAST_LAUNCHES: Final = 2
"""Smallest number of launches that begin to be warmed up, however long that takes."""

_LEAST_SECONDS: Final = 1.0
"""Smallest duration of the measured steps of a launch, at scales that measure few steps."""

LookAtHeat: TypeAlias = Callable[[int, Sequence[HeatLaunch]], Sequence[HeatLaunch]]
"""Function that is called after a round with its number, from 1, and the launches that still run,
and returns those to end."""


@dataclass
class MeasuredHeat:
    """Result of a heat.

    Attributes:
        launches: Launches of all jobs, in their order.
        rounds: Number of complete rounds.
        gemm_seconds: Seconds of the yardstick's matrix product, after each round.
        was_interrupted: True if Ctrl-C has ended it early.
    """

    launches: list[HeatLaunch]
    rounds: int = 0
    gemm_seconds: list[float] = field(default_factory=list)
    was_interrupted: bool = False


def measure_heat(
    jobs: Sequence[Job], observer: Observer, look: LookAtHeat, seconds: float
) -> MeasuredHeat:
    """Measure one launch of each job in turn.

    Args:
        jobs: Jobs whose launches fit into memory together.
        observer: Receiver of the progress.
        look: Function that ends launches.
        seconds: Time for starting and warming up. Launches that are not begun to be warmed up by
            then are left out, but for the first two.

    Raises:
        EditedFileError: If the code was edited meanwhile.
        WorkerError: If the yardstick does not start.
    """
    with ExitStack() as exit_stack:
        yardstick = Child(yardstick_command(), "the yardstick", jobs[0].timeouts.start)
        exit_stack.enter_context(yardstick)
        launches = [
            HeatLaunch(
                number,
                job,
                TrainingWorker(job, number + 1, observer),
                exit_stack.enter_context(ExitStack()),
            )
            for number, job in enumerate(jobs)
        ]
        heat = MeasuredHeat(launches)
        try:
            _prepare(launches, yardstick, monotonic() + seconds)
            _measure(heat, yardstick, look)
        except KeyboardInterrupt:
            heat.was_interrupted = True
            for launch in launches:
                if launch.runs and launch.turns and not launch.is_stepping:
                    launch.finish()
    return heat


def _prepare(launches: Sequence[HeatLaunch], yardstick: Child, deadline: float) -> None:
    """Start all workers side by side, build their trainings, and warm them up one by one.

    Args:
        launches: Launches of the heat.
        yardstick: Process of the yardstick, which has been started.
        deadline: Time, by ``monotonic``, from which on no launch but the first two is warmed
            up, whether they succeed or not.
    """
    for launch in launches:
        with launch.guarded():
            launch.worker.start(launch.exit_stack)
    for launch in filter(lambda item: item.runs, launches):
        with launch.guarded():
            launch.worker.request_preparation()
    yardstick.wait_for_hello()
    for launch in filter(lambda item: item.runs, launches):
        with launch.guarded():
            launch.setup_seconds = launch.worker.wait_until_prepared()
    for tried, launch in enumerate(filter(lambda item: item.runs, launches)):
        if monotonic() > deadline and tried >= _LEAST_LAUNCHES:
            launch.is_ended = True
            launch.exit_stack.close()
            continue
        with launch.guarded():
            (launch.warm_up,) = warm_up(launch.job, [launch.worker])


def _measure(heat: MeasuredHeat, yardstick: Child, look: LookAtHeat) -> None:
    """Take the turns of all launches, and collect the messages that prove their success."""
    running = [launch for launch in heat.launches if launch.runs]
    if not running:
        return
    turns = _plan(running)
    for launch, steps in zip(running, turns.steps, strict=True):
        launch.steps_per_turn, launch.planned_rounds = steps, turns.rounds
    for number in range(turns.rounds):
        if sum(launch.runs for launch in running) < min(_LEAST_LAUNCHES, len(running)):
            break
        for launch in running if number % 2 == 0 else running[::-1]:
            if launch.runs:
                launch.take_turn(number)
        heat.rounds = number + 1
        # Without the yardstick, which can die as any process, no roofline is told.
        with contextlib.suppress(WorkerError):
            answer = yardstick.ask_first(
                messages.Measure(1), messages.Measured, running[0].job.timeouts.step, "at its work"
            )
            heat.gemm_seconds.append(answer.gemm_seconds)
        for launch in look(number + 1, [item for item in running if item.runs]):
            launch.is_ended = True
            launch.finish()
    for launch in running:
        if launch.runs:
            launch.finish()


def _plan(launches: Sequence[HeatLaunch]) -> HeatTurns:
    step_seconds = []
    for launch in launches:
        assert launch.warm_up is not None
        step_seconds.append(launch.warm_up.step_seconds)
    return plan_heat(
        step_seconds,
        [launch.worker.data_workers for launch in launches],
        max(_LEAST_SECONDS, launches[0].job.scale.period_seconds),
    )
