"""Hold the measured steps of one worker, and correct their waits for data. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from traingate.protocol import messages

_DATA = "data"


@dataclass(frozen=True)
class Steps:
    """Measured steps of one worker, in one or more turns.

    Attributes:
        answers: Answers of all ranks, for each step.
        turn_starts: Index of the first step of each turn. Between two turns the worker was stopped.
        busy_turns: Number of turns after which a process of the worker could not be stopped.
    """

    answers: tuple[Sequence[messages.Stepped], ...] = ()
    turn_starts: tuple[int, ...] = ()
    busy_turns: int = 0

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Return the seconds of each step, in a process group those of the slowest rank."""
        return tuple(max(rank.step_seconds for rank in step) for step in self.answers)

    def __add__(self, other: Steps) -> Steps:
        """Return these steps followed by *other*."""
        offset = len(self.answers)
        return Steps(
            self.answers + other.answers,
            self.turn_starts + tuple(start + offset for start in other.turn_starts),
            self.busy_turns + other.busy_turns,
        )

    def with_usual_waits(self, data_workers: int) -> Steps:
        """Return these steps with the usual wait for data in the first steps of each turn.

        A data worker that is stopped while it waits for a disk, a network or a timer finds its data
        ready when it continues. So the first steps of a turn, one for each data worker, may wait
        less than in a script. If their mean wait is shorter than that of the other steps, each of
        them gets the difference.

        Args:
            data_workers: Number of data workers.
        """
        early = {start + number for start in self.turn_starts for number in range(data_workers)}
        early &= set(range(len(self.answers)))
        late = [index for index in range(len(self.answers)) if index not in early]
        if not late or not early:
            return self
        ranks = range(len(self.answers[0]))
        missing_waits = [
            max(0.0, self._mean_wait(late, rank) - self._mean_wait(early, rank)) for rank in ranks
        ]
        answers = tuple(
            list(map(_with_longer_wait, step, missing_waits)) if index in early else step
            for index, step in enumerate(self.answers)
        )
        return replace(self, answers=answers)

    def _mean_wait(self, indexes: Collection[int], rank: int) -> float:
        """Return the mean wait for data of one rank in some of the steps, in seconds."""
        return statistics.fmean(self.answers[index][rank].phase_seconds[_DATA] for index in indexes)


def _with_longer_wait(answer: messages.Stepped, seconds: float) -> messages.Stepped:
    """Return a step whose wait for data is longer by this time."""
    return replace(
        answer,
        step_seconds=answer.step_seconds + seconds,
        phase_seconds={**answer.phase_seconds, _DATA: answer.phase_seconds[_DATA] + seconds},
    )
