"""How the steps of a launch and the yardstick's visits alternate. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SHARE: Final = 0.1
"""The largest part of the measuring time that the yardstick may take."""

_MOST_REPEATS: Final = 3
"""Units per visit; more would not make a visit surer, only longer."""


@dataclass(frozen=True)
class Rounds:
    """The plan of one launch: visit, round, visit, round, ..., visit.

    A visit stands before and after every round, so the order is balanced: whatever drifts
    evenly across a round leaves the ratio of step and yardstick as it is.

    Attributes:
        steps_per_round: at least one each; as even as they can be.
        repeats: units of the yardstick's work per visit.
    """

    steps_per_round: tuple[int, ...]
    repeats: int


def plan_rounds(steps: int, step_seconds: float, unit_seconds: float) -> Rounds:
    """Alternate as often as the yardstick's share of the measuring time allows.

    Args:
        steps: to be measured, at least 1.
        step_seconds: how long one takes.
        unit_seconds: how long a unit of the yardstick's work takes.
    """
    units = int(_SHARE * steps * step_seconds / unit_seconds)
    rounds = max(1, min(steps, units - 1))
    repeats = max(1, min(_MOST_REPEATS, units // (rounds + 1)))
    size, larger = divmod(steps, rounds)
    return Rounds((size + 1,) * larger + (size,) * (rounds - larger), repeats)


_TURN_SECONDS: Final = 0.1
_PAIR_SECONDS: Final = 12.0
_FEWEST, _MOST = 4, 20


@dataclass(frozen=True)
class Turns:
    """The plan of one pair of a duet: rounds of four turns, A B B A.

    Whatever drifts evenly across a round slows both sides alike.

    Attributes:
        rounds: how often.
        steps: in one turn.
    """

    rounds: int
    steps: int


def plan_turns(step_seconds: float, steps: int | None) -> Turns:
    """As many rounds as fit into 12 s, but 4 at least and 20 at the most.

    Args:
        step_seconds: how long a step of the slower side takes. A turn of very short steps holds
            several, so that the switch from one process to the other counts for little.
        steps: of each side in all, where the user said so.
    """
    if steps is not None:
        return Turns(max(1, steps // 2), 1)
    per_turn = max(1, round(_TURN_SECONDS / step_seconds))
    fitting = int(_PAIR_SECONDS / (4 * per_turn * step_seconds))
    return Turns(max(_FEWEST, min(_MOST, fitting)), per_turn)
