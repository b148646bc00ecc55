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


def plan(steps: int, step_seconds: float, unit_seconds: float) -> Rounds:
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
