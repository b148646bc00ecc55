"""A duet: pairs of launches, the candidate's and the base's, that step in turn.

Both meet the same machine at the same time, so that their ratio is free of its drift. Where two
do not fit into memory together, launches take turns instead, each beside the yardstick.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from traingate.controller.child import Child
from traingate.controller.command import yardstick_command
from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.controller.launch import Knowledge, count_work, take
from traingate.controller.measure import environment, together
from traingate.controller.schedule import Turns, turns
from traingate.controller.training_worker import Run
from traingate.errors import BaselineError
from traingate.gate.statistics import log_step_times, round_log_ratios, yardstick_unit
from traingate.host.memory import available_bytes
from traingate.records import Duet, Launch, Pair

_MARGIN: Final = 1.2
"""Of memory: two launches may each need a fifth more than the one that was seen."""


class DuetInterrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a duet, with the pairs that were complete by then."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        super().__init__()
        self.pairs = tuple(pairs)


@dataclass
class _Knowledge:
    """What the pairs so far have taught of either side."""

    candidate: Knowledge = field(default_factory=Knowledge)
    base: Knowledge = field(default_factory=Knowledge)
    peak_rss_bytes: int = 0

    def meet(self, number: int, candidate: Run, base: Run) -> None:
        """Note what both sides of pair ``number`` say of themselves."""
        self.candidate.meet(candidate, number)
        self.base.meet(base, number)
        self.check_batches()

    def check_batches(self) -> None:
        """BaselineError where the sides' steps hold different numbers of samples."""
        ours, theirs = self.candidate.batch_size, self.base.batch_size
        if ours != theirs:
            raise BaselineError(
                f"the base trains batches of {theirs}, and the candidate of {ours}: their steps "
                "cannot be compared. Fix the size with the batch_size layer."
            )


def fit_together(peak_rss_bytes: int, available_bytes: int) -> bool:
    """Whether two launches of this size fit into memory at the same time."""
    return 2 * _MARGIN * peak_rss_bytes <= available_bytes


def duet(
    candidate: Job,
    base: Job,
    plan: LaunchPlan,
    decided: Callable[[Duet], bool],
    observer: Observer,
    *,
    by_steps: bool | None = None,
) -> Duet:
    """Measure ``candidate`` and ``base`` in turn, pair after pair.

    Args:
        candidate: the job of the working tree.
        base: the same job of the other side.
        plan: pairs at least, and at the most.
        decided: asked from the planned pairs on, after each; only by it a duet ends early.
        observer: told how far it is.
        by_steps: whether sides take turns step by step, or launch by launch; None to see whether
            both fit into memory.

    Raises:
        BaselineError: where the base's batches are of another size.
        WorkloadError, WorkerError: as ``measure``; the message says on which side.
        DuetInterrupted: by Ctrl-C.
    """
    if by_steps is None:
        by_steps = fit_together(candidate.peak_rss_bytes or 0, available_bytes())
    known = _Knowledge(peak_rss_bytes=candidate.peak_rss_bytes or 0)
    sides = _Sides(candidate, base, plan.planned, observer, known)
    pairs: list[Pair] = []
    started = time.monotonic()
    with ExitStack() as until:
        more = sides.step_by_step
        if not by_steps:
            yardstick = Child(yardstick_command(), "the yardstick", candidate.timeouts.start)
            more = partial(sides.launch_by_launch, until.enter_context(yardstick))
        while len(pairs) < plan.most:
            _collect(more(len(pairs)), pairs)
            spent = (time.monotonic() - started) / len(pairs)
            result = _summary(candidate, base, pairs, known, spent)
            if len(pairs) >= plan.planned and decided(result):
                break
    return result


def _collect(more: Generator[Pair, None, None], pairs: list[Pair]) -> None:
    """Add what ``more`` yields to ``pairs``, and keep it where Ctrl-C ends it."""
    try:
        with closing(more):
            pairs.extend(more)
    except KeyboardInterrupt as interrupt:
        raise DuetInterrupted(pairs) from interrupt


def _summary(
    candidate: Job, base: Job, pairs: Sequence[Pair], known: _Knowledge, seconds_per_pair: float
) -> Duet:
    assert base.side is not None
    return Duet(
        base=base.side.title,
        pairs=tuple(pairs),
        candidate_environment=environment(candidate, known.candidate),
        base_environment=environment(base, known.base),
        candidate_account=known.candidate.account,
        base_account=known.base.account,
        seconds_per_pair=seconds_per_pair,
    )


@dataclass(frozen=True)
class _Sides:
    """Both sides of a duet, and the ways to measure a pair of them."""

    candidate: Job
    base: Job
    planned: int
    observer: Observer
    known: _Knowledge

    def step_by_step(self, taken: int) -> Generator[Pair, None, None]:
        """The next pairs, each side stepping while the other sleeps.

        Those that are sure to be needed start up side by side.
        """
        wanted = 2 * (self.planned - taken)
        count = max(1, together(wanted, self.known.peak_rss_bytes) // 2)
        numbers = range(taken + 1, taken + 1 + count)
        with ExitStack() as everything:
            ends = [everything.enter_context(ExitStack()) for _ in numbers]
            runs = [
                tuple(Run(job, number, self.observer) for job in (self.candidate, self.base))
                for number in numbers
            ]
            for end, sides in zip(ends, runs, strict=True):
                for run in sides:
                    run.start(end)
            for run in (run for sides in runs for run in sides):
                run.begin_to_prepare()
            for run in (run for sides in runs for run in sides):
                run.prepare()
            for number, end, (candidate, base) in zip(numbers, ends, runs, strict=True):
                pair = self._pair(number, candidate, base)
                end.close()
                yield pair

    def _pair(self, number: int, candidate: Run, base: Run) -> Pair:
        self.known.meet(number, candidate, base)
        first, second = (candidate, base) if number % 2 else (base, candidate)
        slower = max(run.warm_up()[1] for run in (first, second))
        first.rest()
        second.rest()
        plan = turns(slower, self.candidate.steps)
        *steps, restless = _alternate(first, second, plan)
        ours, theirs = steps if number % 2 else steps[::-1]
        for run, known in ((candidate, self.known.candidate), (base, self.known.base)):
            known.note(run.finish())
            self.known.peak_rss_bytes = max(self.known.peak_rss_bytes, known.peak_rss_bytes)
        if number == 1:
            count_work(self.base, base, self.known.base)
            count_work(self.candidate, candidate, self.known.candidate)
        ratio = statistics.median(round_log_ratios(ours, theirs, plan.steps))
        return Pair(
            candidate_step_seconds=ours,
            base_step_seconds=theirs,
            steps_per_turn=plan.steps,
            log_ratio=ratio,
            restless_turns=restless,
        )

    def launch_by_launch(self, yardstick: Child, taken: int) -> Generator[Pair, None, None]:
        """The next pair, one side after the other; which is first changes from pair to pair."""
        number = taken + 1
        sides = [(self.candidate, self.known.candidate), (self.base, self.known.base)]
        ordered = sides if number % 2 else sides[::-1]
        launches = [self._launch(yardstick, job, number, known) for job, known in ordered]
        ours, theirs = launches if number % 2 else launches[::-1]
        self.known.check_batches()
        unit = yardstick_unit(launches)
        candidate, base = log_step_times((ours, theirs), unit)
        yield Pair(
            candidate_step_seconds=ours.step_seconds,
            base_step_seconds=theirs.step_seconds,
            steps_per_turn=0,
            log_ratio=candidate - base,
        )

    def _launch(self, yardstick: Child, job: Job, number: int, known: Knowledge) -> Launch:
        with ExitStack() as end:
            run = Run(job, number, self.observer)
            run.start(end)
            yardstick.greet()
            run.begin_to_prepare()
            seconds = run.prepare()
            known.meet(run, number)
            return take(job, run, yardstick, known, number=number, setup_seconds=seconds)


def _alternate(
    first: Run, second: Run, plan: Turns
) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Step seconds of both sides, in rounds of first, second, second, first.

    And the number of turns after which a side did not come to rest.
    """
    restless = 0
    seconds: dict[Run, list[float]] = {first: [], second: []}
    planned = 2 * plan.rounds * plan.steps
    for _ in range(plan.rounds):
        for run in (first, second, second, first):
            done = seconds[run]
            for ranks in run.take(plan.steps, len(done), planned):
                done.append(max(rank.step_seconds for rank in ranks))
            restless += not run.rest()
    return tuple(seconds[first]), tuple(seconds[second]), restless
