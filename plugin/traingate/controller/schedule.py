"""Plan how steps alternate with visits of the yardstick, or with the other side's steps. Pure."""

from __future__ import annotations

import itertools
import math
import operator
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traingate.controller.scales import PERIOD, periodic_steps

_SHARE: Final = 0.1
"""Time of the yardstick as a share of the steps' time, unless its first two visits take more."""

_MAX_REPEATS: Final = 3
"""Largest number of units of work per visit of the yardstick; more would not add precision."""


@dataclass(frozen=True)
class Rounds:
    """Plan of one launch: visit of the yardstick, round, visit, round, ..., visit.

    There is a visit before and after every round, so the order is balanced: a linear drift of the
    machine's speed during a round leaves the ratio of step and yardstick unchanged.

    Attributes:
        steps_per_round: Number of steps in each round, at least one, as equal as possible.
        repeats: Number of units of the yardstick's work per visit.
    """

    steps_per_round: tuple[int, ...]
    repeats: int


def plan_rounds(
    steps: int, step_seconds: float, unit_seconds: float, data_workers: int = 0
) -> Rounds:
    """Return the plan with as many rounds as the yardstick's share of the time allows.

    Args:
        steps: Number of steps to measure, at least 1. If there are data workers, there is at least
            one step more than there are of them.
        step_seconds: Duration of one step, in seconds.
        unit_seconds: Duration of one unit of the yardstick's work, in seconds.
        data_workers: Number of processes that load the data.
    """
    steps = max(steps, _steps_to_usual_wait(data_workers))
    units = int(_SHARE * steps * step_seconds / unit_seconds)
    rounds = max(1, min(steps // _least_steps(data_workers), units - 1))
    repeats = max(1, min(_MAX_REPEATS, units // (rounds + 1)))
    size, larger = divmod(steps, rounds)
    return Rounds((size + 1,) * larger + (size,) * (rounds - larger), repeats)


_DATA_WORKER_STEPS: Final = 7
"""Smallest number of steps between two stops of a training with data workers. After a stop, their
first batches may be ready (``steps``), so a turn has several steps."""


def _steps_to_usual_wait(data_workers: int) -> int:
    """Return how many steps after a stop the first one with the usual wait for data is."""
    return data_workers + 1


def _least_steps(data_workers: int) -> int:
    """Return the smallest number of steps between two stops, unless the user wants fewer steps."""
    if not data_workers:
        return 1
    return _next_prime(max(_DATA_WORKER_STEPS, 3 * data_workers + 1))


def _next_prime(number: int) -> int:
    """Return the smallest prime that is not below *number*, which is at least 2."""
    return next(
        candidate
        for candidate in itertools.count(number)
        if all(candidate % divisor for divisor in range(2, math.isqrt(candidate) + 1))
    )


_TURN_SECONDS: Final = 0.1
"""Approximate duration of a turn in a duet, which has several steps if these are shorter."""

_PAIR_SECONDS: Final = 24.0
"""Longest duration of a pair of about 40 steps a side."""

_LONG_PAIR_SECONDS: Final = 60.0
"""Longest duration of a pair of up to 20 steps a side, as far as the smallest number of rounds
allows it. With fewer steps, a slowdown in every 20th step could not be seen."""

_MIN_ROUNDS: Final = 4

_MAX_ROUNDS: Final = 20


@dataclass(frozen=True)
class Turns:
    """Plan of one pair of a duet: rounds of four turns, A B B A.

    A linear drift of the machine's speed during a round slows both sides alike.

    Attributes:
        rounds: Number of rounds.
        steps: Number of steps in one turn.
    """

    rounds: int
    steps: int


def plan_turns(
    step_seconds: float,
    steps: int | None,
    epoch_steps: int | None = None,
    data_workers: int = 0,
) -> Turns:
    """Return the plan of about 20 rounds, or of as many as fit into 24 s, but at least 4.

    With 20 rounds, each side takes at least 40 steps. With data workers, a turn has a prime number
    of steps, at least 7: so its first steps are not always the slow ones of every 5th or 10th step.
    There are then as few rounds as give each side 40 steps, but at least one. If the user has set
    *steps*, each side takes at most that many, but at least two turns that show the usual wait for
    data.

    Args:
        step_seconds: Duration of a step of the slower side, in seconds. A turn has several steps if
            they are very short, so that switching between the processes has little weight.
        steps: Number of steps of each side if the user has set it; None otherwise.
        epoch_steps: Number of steps of an epoch; None if it is not known.
        data_workers: Number of processes that load the data of a side.
    """
    least_steps = _least_steps(data_workers)
    if steps is not None:
        steps_per_turn = min(least_steps, max(_steps_to_usual_wait(data_workers), steps // 2))
        return Turns(max(1, steps // (2 * steps_per_turn)), steps_per_turn)
    steps_per_turn = max(least_steps, round(_TURN_SECONDS / step_seconds))
    if data_workers:
        steps_per_turn = _next_prime(steps_per_turn)
    fitting_turns = _fitting_turns(steps_per_turn * step_seconds)
    if data_workers:
        most_rounds = math.ceil(_MAX_ROUNDS / steps_per_turn)
        return Turns(max(1, min(most_rounds, fitting_turns // 2)), steps_per_turn)
    turns = periodic_steps(fitting_turns, epoch_steps if steps_per_turn == 1 else None)
    if turns % 2 and epoch_steps and turns > epoch_steps:  # a round has two turns of each side
        turns -= epoch_steps
    return Turns(max(_MIN_ROUNDS, turns // 2), steps_per_turn)


def _fitting_turns(turn_seconds: float) -> int:
    """Return how many turns of each side fit into a pair: up to 20 of them may take a minute."""
    turns = int(_PAIR_SECONDS / (2 * turn_seconds))
    return turns if turns >= PERIOD else min(PERIOD, int(_LONG_PAIR_SECONDS / (2 * turn_seconds)))


_HEAT_ROUNDS: Final = (4, 20)
"""Smallest and largest number of rounds of a heat, both even."""


@dataclass(frozen=True)
class HeatTurns:
    """Plan of one heat: rounds in which each launch has one turn.

    The order of the launches is reversed in every second round, and there is an even number of
    rounds: a linear drift of the machine's speed slows all launches alike.

    Attributes:
        rounds: Number of rounds.
        steps: Number of steps in a turn of each launch.
    """

    rounds: int
    steps: tuple[int, ...]


def plan_heat(
    step_seconds: Sequence[float], data_workers: Sequence[int], launch_seconds: float
) -> HeatTurns:
    """Return the plan of a heat.

    Args:
        step_seconds: Duration of a step of each launch, in seconds.
        data_workers: Number of processes that load the data of each launch.
        launch_seconds: Approximate duration of the measured steps of a median launch, in seconds.
    """
    # Faster launches take as long a turn, so that all launches are measured equally well.
    shortest_turn = max(_TURN_SECONDS, statistics.median(step_seconds))
    steps = []
    for seconds, workers in zip(step_seconds, data_workers, strict=True):
        least_steps = max(_least_steps(workers), round(shortest_turn / seconds))
        steps.append(_next_prime(least_steps) if workers else least_steps)
    turn_seconds = statistics.median(map(operator.mul, steps, step_seconds))
    least, most = _HEAT_ROUNDS
    rounds = 2 * round(launch_seconds / turn_seconds / 2)
    return HeatTurns(max(least, min(most, rounds)), tuple(steps))
