"""Define when the gate looks at launches, and which error each look may spend. Pure, no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from traingate.gate.statistics import Prior, error_spent
from traingate.records import Method

ALARM_ERROR: Final = 0.007
"""Probability, over all looks together, of REGRESSED at a slowdown of exactly the tolerance. It is
below the promised 1 %, because a launch can have more slow steps than a long training: of 40 steps,
14 instead of 13.3 are every third. At no change it is far smaller."""

PASS_ERROR: Final = 0.005
"""Probability, over all looks together, of PASSED at exactly twice the tolerance. A test can be
exposed to it twice: in the screen by stored launches, and in the duet after it."""

PLAIN_ALARM_SHARE: Final = 0.1
"""Share of the alarm error that the total time as it was measured may spend in addition. It finds
slow steps that do not stand at the same places in all launches."""

_ALARM_POWER: Final = 3.0
"""Exponent of the spending function for alarms: they spend their error late, when there are many
launches, and so miss fewer slowdowns."""

_PASS_POWER: Final = 0.5
"""Exponent of the spending function for passes: they spend their error early, since unchanged code
is the usual case."""

LAUNCH_PRIOR: Final = Prior(spread=0.03, degrees_of_freedom=4)
"""Spread of launches of one training relative to the yardstick, from all measurements on shared
2-core machines (2.5 to 3.5 % for ResNets). Three launches estimate their own spread too imprecisely
for a decision; with eight more, the prior has 4 of 13 degrees of freedom."""

PAIR_PRIORS: Final = {
    Method.STEPS: Prior(spread=0.025, degrees_of_freedom=4),
    Method.TURNS: Prior(spread=0.045, degrees_of_freedom=4),
}
"""Spread of the pairs of a duet, by its method, from measurements on the same machines."""

_FIRST_PAIRS: Final = 3
"""Number of pairs at the first look at a duet."""

_EVERY_PAIR_UP_TO: Final = 6
"""Number of pairs up to which there is a look after every pair."""

MIN_LAUNCHES: Final = 3
"""Smallest number of launches, of both sides together, whose difference of means has a spread."""


@dataclass(frozen=True)
class Policy:
    """Tolerance of one comparison, and the numbers of launches at which the gate looks.

    Attributes:
        tolerance: Largest loss of throughput that is let through, as a fraction.
        first_look: Number of launches, or pairs, at the first look.
        maximum: Number of launches, or pairs, at the last look.
        every_launch_up_to: Number up to which there is a look after every launch; beyond it,
            each look has a third more launches than the one before.
    """

    tolerance: float
    first_look: int
    maximum: int
    every_launch_up_to: int = 0

    @cached_property
    def looks(self) -> tuple[int, ...]:
        """Return the numbers of launches at which the gate looks."""
        looks = [self.first_look]
        while looks[-1] < self.maximum:
            last = looks[-1]
            next_look = last + 1 if last < self.every_launch_up_to else math.ceil(last * 4 / 3)
            looks.append(min(self.maximum, next_look))
        return tuple(looks)

    def errors(self, launches: int) -> tuple[float, float]:
        """Return the error that a look may spend on a false alarm, and on a false pass.

        Args:
            launches: Number of launches at this look.
        """
        launches_before = max((look for look in self.looks if look < launches), default=0)
        shares = (launches_before / self.maximum, launches / self.maximum)
        return (
            ALARM_ERROR * error_spent(*shares, _ALARM_POWER),
            PASS_ERROR * error_spent(*shares, _PASS_POWER),
        )


def pair_policy(tolerance: float, max_pairs: int) -> Policy:
    """Return the policy of a duet.

    Args:
        tolerance: Largest loss of throughput that is let through, in percent.
        max_pairs: Largest number of pairs.
    """
    first = min(_FIRST_PAIRS, max_pairs)
    return Policy(tolerance / 100, first, max_pairs, every_launch_up_to=_EVERY_PAIR_UP_TO)
