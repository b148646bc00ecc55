"""Tolerance, looks, and the error that each look may spend."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from traingate.gate import statistics as stats
from traingate.records import Method

ALARM_ERROR: Final = 0.01
"""Probability, over all looks together, of REGRESSED at a slowdown of exactly the tolerance.
At no change it is far smaller."""


PASS_ERROR: Final = 0.005
"""Probability, over all looks together, of PASSED at exactly twice the tolerance. A test may meet
it twice: on the stored launches that screen it, and in the duet that settles it."""


_ALARM_POWER: Final = 3.0
"""An alarm can wait for the late looks, where launches are many: it then misses less."""


_PASS_POWER: Final = 0.5
"""Unchanged code is the usual case, and should pass at the first looks."""


LAUNCH_SPREAD: Final = stats.Prior(spread=0.03, degrees_of_freedom=4)
"""How launches of one training scatter beside the yardstick, by all that was measured on shared
2-core machines (2.5 to 3.5 % for ResNets). Three launches alone know their own spread too badly
to decide anything by it; eight hardly need this."""


PAIR_SPREAD: Final = {
    Method.STEPS: stats.Prior(spread=0.025, degrees_of_freedom=4),
    Method.TURNS: stats.Prior(spread=0.045, degrees_of_freedom=4),
}
"""Likewise for the pairs of a duet."""


_FIRST_PAIRS: Final = 3


_FINEST_PAIRS: Final = 6


LEAST_LAUNCHES: Final = 3
"""On both sides together: with fewer, a difference of means has no spread."""


@dataclass(frozen=True)
class Policy:
    """How a comparison is decided.

    Attributes:
        tolerance: the largest loss of throughput that is let through, as a fraction.
        first_look: launches, or pairs, at the first look.
        most: at the last look.
        finest: look after every launch up to this many; from there on, each look has a third
            more than the one before.
    """

    tolerance: float
    first_look: int
    most: int
    finest: int = 0

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of launches at which the gate looks."""
        looks = [self.first_look]
        while looks[-1] < self.most:
            last = looks[-1]
            following = last + 1 if last < self.finest else math.ceil(last * 4 / 3)
            looks.append(min(self.most, following))
        return tuple(looks)

    def errors(self, launches: int) -> tuple[float, float]:
        """What the look at ``launches`` may spend on a false alarm, and on a false pass."""
        before = max((look for look in self.looks if look < launches), default=0)
        shares = (before / self.most, launches / self.most)
        return (
            ALARM_ERROR * stats.error_spent(*shares, _ALARM_POWER),
            PASS_ERROR * stats.error_spent(*shares, _PASS_POWER),
        )


def pair_policy(tolerance: float, most: int) -> Policy:
    """How a duet is decided.

    Args:
        tolerance: in percent.
        most: pairs at the most.
    """
    return Policy(tolerance / 100, min(_FIRST_PAIRS, most), most, finest=_FINEST_PAIRS)
