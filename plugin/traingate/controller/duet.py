"""Measure a duet: pairs of launches, of the candidate and of the base, that step in turn.

Both sides run on the same machine, a moment apart, so that its drift does not affect their ratio.
The method is that of Bulej et al., "Duet Benchmarking: Improving Measurement Accuracy in the Cloud"
(ICPE 2020), with one difference: there both sides run at the same time, here they take turns in a
fixed order, as in interleaved trials (Abedi and Brecht, "Conducting Repeatable Experiments in
Highly Variable Cloud Computing Environments", ICPE 2017, who also randomize the order). If two
launches do not fit into memory together, whole launches take turns instead of steps, each measured
relative to the yardstick.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias, TypeVar

from traingate.controller.child import Child
from traingate.controller.command import yardstick_command
from traingate.controller.job import Job, LaunchPlan, Observer, ProfilePlan
from traingate.controller.launch import LaunchFacts, count_work, measure_launch
from traingate.controller.measure import count_prepared_together, environment
from traingate.controller.pair_record import pair_of_launches, pair_of_steps
from traingate.controller.profiling import SideProfiles, profile_in_turn
from traingate.controller.schedule import Turns, plan_turns
from traingate.controller.steps import Steps
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up
from traingate.errors import BaselineError
from traingate.host.memory import available_bytes
from traingate.records import Duet, Launch, Pair
from traingate.untrusted.clock import monotonic

_MEMORY_MARGIN: Final = 1.2
"""Factor by which a launch may need more memory than the one that was measured."""

TakeProfiles: TypeAlias = Callable[[ProfilePlan], SideProfiles]
"""Function that profiles both sides in turn."""


class DuetInterrupted(KeyboardInterrupt):
    """Interruption of a duet by Ctrl-C.

    Attributes:
        pairs: Pairs that were complete by then.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        super().__init__()
        self.pairs = tuple(pairs)


def fit_together(candidate: Job, base: Job) -> bool:
    """Return whether a launch of each side fit into the available memory at the same time.

    If the memory of the base is unknown, it is taken for that of the candidate.
    """
    candidate_bytes = candidate.peak_rss_bytes or 0
    both_bytes = candidate_bytes + (base.peak_rss_bytes or candidate_bytes)
    return _MEMORY_MARGIN * both_bytes <= available_bytes()


def measure_duet(
    candidate: Job,
    base: Job,
    plan: LaunchPlan,
    is_decided: Callable[[Duet], bool],
    observer: Observer,
    *,
    by_steps: bool,
    on_decided: Callable[[TakeProfiles], None] | None = None,
) -> Duet:
    """Measure *candidate* and *base* in turn, pair after pair.

    Args:
        candidate: Job of the working tree.
        base: Job of the other side.
        plan: Planned and largest number of pairs.
        is_decided: Function that is called after the planned pairs and after each further one;
            measuring ends when it returns True, or when the plan allows no more pairs.
        observer: Receiver of the progress.
        by_steps: Whether to take turns step by step, for which both sides must fit into memory, or
            launch by launch.
        on_decided: Function that is called if ``is_decided`` has returned True while the workers of
            the last pair still live, with a function that profiles them.

    Raises:
        BaselineError: If the base's batches are of another size.
        WorkloadError, WorkerError: As ``measure``; the message names the base if it is at
            fault.
        DuetInterrupted: If it is interrupted by Ctrl-C.
    """
    peak = max(candidate.peak_rss_bytes or 0, base.peak_rss_bytes or 0)
    facts = _DuetFacts(peak_rss_bytes=peak)
    sides = _Sides(candidate, base, plan.planned, observer, facts)
    pairs: list[Pair] = []
    start = monotonic()
    with ExitStack() as exit_stack:
        next_pairs = sides.step_by_step
        if not by_steps:
            yardstick = Child(yardstick_command(), "the yardstick", candidate.timeouts.start)
            next_pairs = partial(sides.launch_by_launch, exit_stack.enter_context(yardstick))
        while len(pairs) < plan.maximum:
            with closing(next_pairs(len(pairs))) as new_pairs:
                for pair in _interruptible(new_pairs, pairs):
                    pairs.append(pair)
                    duet = sides.summarise(pairs, (monotonic() - start) / len(pairs))
                    if len(pairs) >= plan.planned and is_decided(duet):
                        if on_decided is not None and facts.workers is not None:
                            on_decided(partial(profile_in_turn, *facts.workers))
                        return duet
    return duet


def _interruptible(new_pairs: Iterable[Pair], pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Yield *new_pairs*; raise DuetInterrupted with the complete *pairs* on Ctrl-C."""
    try:
        yield from new_pairs
    except KeyboardInterrupt as interrupt:
        raise DuetInterrupted(pairs) from interrupt


@dataclass
class _DuetFacts:
    """Facts of both sides from the pairs so far.

    Attributes:
        candidate: Facts of the candidate's launches.
        base: Facts of the base's launches.
        peak_rss_bytes: Largest peak memory of a launch, in bytes.
        turns: Plan of the turns, the same in all pairs; None before the first.
        workers: Workers of the candidate and of the base of the last pair, while they live.
        warmup_steps: Number of warm-up steps of the last pair.
    """

    candidate: LaunchFacts = field(default_factory=LaunchFacts)
    base: LaunchFacts = field(default_factory=LaunchFacts)
    peak_rss_bytes: int = 0
    turns: Turns | None = None
    workers: tuple[TrainingWorker, TrainingWorker] | None = None
    warmup_steps: int = 0

    def check(self, number: int, candidate: TrainingWorker, base: TrainingWorker) -> None:
        """Keep the facts of the prepared pair *number*, and check its batch sizes."""
        self.candidate.check(candidate, number)
        self.base.check(base, number)
        self.check_batches()

    def check_batches(self) -> None:
        """Check that a step has the same number of samples on both sides.

        Raises:
            BaselineError: If the numbers differ.
        """
        candidate, base = self.candidate.batch_size, self.base.batch_size
        if candidate != base:
            raise BaselineError(
                f"the base trains batches of {base}, and the candidate of {candidate}: their steps "
                "cannot be compared. Fix the size with the batch_size layer."
            )


@dataclass(frozen=True)
class _Sides:
    """Both sides of a duet, and the two ways to measure a pair of them."""

    candidate: Job
    base: Job
    planned: int
    observer: Observer
    facts: _DuetFacts

    def summarise(self, pairs: Sequence[Pair], seconds_per_pair: float) -> Duet:
        assert self.base.side is not None
        return Duet(
            base=self.base.side.title,
            pairs=tuple(pairs),
            candidate_environment=environment(self.candidate, self.facts.candidate),
            base_environment=environment(self.base, self.facts.base),
            candidate_counts=self.facts.candidate.counts,
            base_counts=self.facts.base.counts,
            seconds_per_pair=seconds_per_pair,
            candidate_files_digest=self.candidate.imported_files.digest,
            base_files_digest=self.base.imported_files.digest,
            candidate_peak_bytes=self.facts.candidate.peak_rss_bytes,
            base_peak_bytes=self.facts.base.peak_rss_bytes,
        )

    def step_by_step(self, offset: int) -> Generator[Pair, None, None]:
        """Yield the next pairs, in which one side steps while the other is stopped.

        Pairs that will be measured in any case start up side by side.

        Args:
            offset: Number of pairs before these.
        """
        planned = 2 * (self.planned - offset)
        count = max(1, count_prepared_together(planned, self.facts.peak_rss_bytes) // 2)
        numbers = range(offset + 1, offset + 1 + count)
        jobs = (self.candidate, self.base)
        with ExitStack() as exit_stack:
            exits = [exit_stack.enter_context(ExitStack()) for _ in numbers]
            pairs = [
                [TrainingWorker(job, number, self.observer) for job in jobs] for number in numbers
            ]
            for pair, pair_exit in zip(pairs, exits, strict=True):
                for worker in pair:
                    worker.start(pair_exit)
            workers = [worker for pair in pairs for worker in pair]
            for worker in workers:
                worker.request_preparation()
            for worker in workers:
                worker.wait_until_prepared()
            for number, pair_exit, (candidate, base) in zip(numbers, exits, pairs, strict=True):
                pair_result = self._measure_pair(number, candidate, base)
                self.facts.workers = (candidate, base)
                yield pair_result  # it may be the last one, whose workers are profiled
                self.facts.workers = None
                pair_exit.close()

    def launch_by_launch(self, yardstick: Child, offset: int) -> Generator[Pair, None, None]:
        """Yield the next pair, one side after the other, in an order that changes with each pair.

        Args:
            yardstick: Process of the yardstick.
            offset: Number of pairs before this one.
        """
        number = offset + 1
        sides = [(self.candidate, self.facts.candidate), (self.base, self.facts.base)]
        launches: list[Launch] = []
        for job, facts in _in_order(number, sides):
            if launches:  # the second side takes the steps of the first
                facts.steps = len(launches[0].step_seconds)
                facts.warmup_steps = launches[0].warmup_steps
            launches.append(self._measure_launch(yardstick, job, number, facts))
        warmup_steps = max(launch.warmup_steps for launch in launches)
        self.facts.candidate.warmup_steps = self.facts.base.warmup_steps = warmup_steps
        candidate, base = _in_order(number, launches)
        self.facts.check_batches()
        yield pair_of_launches(candidate, base)

    def _measure_pair(self, number: int, candidate: TrainingWorker, base: TrainingWorker) -> Pair:
        self.facts.check(number, candidate, base)
        first, second = _in_order(number, [candidate, base])
        warm_ups = warm_up(self.candidate, [first, second], self.facts.warmup_steps)
        self.facts.warmup_steps = warm_ups[0].steps
        if self.facts.turns is None:
            slower_step_seconds = max(result.step_seconds for result in warm_ups)
            self.facts.turns = plan_turns(
                slower_step_seconds,
                self.candidate.steps,
                candidate.epoch_steps,
                max(candidate.data_workers, base.data_workers),
            )
        turns = self.facts.turns
        sides = _alternate(first, second, turns)
        for worker, facts in ((candidate, self.facts.candidate), (base, self.facts.base)):
            facts.add(worker.finish())
            self.facts.peak_rss_bytes = max(self.facts.peak_rss_bytes, facts.peak_rss_bytes)
        if number == 1:
            count_work(self.base, base, self.facts.base)
            count_work(self.candidate, candidate, self.facts.candidate)
        candidate_steps, base_steps = _in_order(number, sides)
        return pair_of_steps(candidate_steps, base_steps, turns.steps, _in_order(number, warm_ups))

    def _measure_launch(
        self, yardstick: Child, job: Job, number: int, facts: LaunchFacts
    ) -> Launch:
        with ExitStack() as exit_stack:
            worker = TrainingWorker(job, number, self.observer)
            worker.start(exit_stack)
            yardstick.wait_for_hello()
            worker.request_preparation()
            seconds = worker.wait_until_prepared()
            facts.check(worker, number)
            return measure_launch(
                job, worker, yardstick, facts, number=number, setup_seconds=seconds
            )


_T = TypeVar("_T")


def _in_order(number: int, sides: Sequence[_T]) -> Sequence[_T]:
    """Return the sides, swapped if *number* is even; a second call restores their order."""
    return sides if number % 2 else sides[::-1]


def _alternate(first: TrainingWorker, second: TrainingWorker, turns: Turns) -> list[Steps]:
    """Step in rounds of first, second, second, first, and return the steps of each."""
    sides = {first: Steps(), second: Steps()}
    steps = 2 * turns.rounds * turns.steps
    for _ in range(turns.rounds):
        for worker in (first, second, second, first):
            sides[worker] += worker.take_steps(turns.steps, len(sides[worker].answers), steps)
    return [side.with_usual_waits(worker.data_workers) for worker, side in sides.items()]
