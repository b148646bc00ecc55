"""The gate: stored launches and new ones to a verdict. Pure, no I/O.

With a tolerance T the gate tells "slower by at most T" from "slower by at least twice T".
Between them lies an indifference zone, as in Wald's sequential test (Sequential Analysis,
1947): a slowdown in it may be let through or not, and need not be resolved. A verdict is
final when the bound of the difference excludes one side:

    REGRESSED   every slowdown up to T is excluded
    IMPROVED    every speed-up up to T is excluded, and any slowdown
    PASSED      every slowdown from twice T on is excluded
    else        measure another launch; INCONCLUSIVE when no more are allowed
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from traingate import stats
from traingate.records import Launch, Outcome, Verdict

ERROR: Final = 0.01
"""Probability, over all looks together, of REGRESSED at a slowdown of exactly the tolerance,
and likewise of PASSED at exactly twice the tolerance. At no change it is far smaller."""

_ALARM_POWER: Final = 3.0
"""An alarm can wait for the late looks, where launches are many: it then misses less."""

_PASS_POWER: Final = 0.5
"""Unchanged code is the usual case, and should pass at the first looks."""


_LAUNCH_SPREAD: Final = stats.Prior(spread=0.03, degrees_of_freedom=4)
"""How launches of one training scatter beside the yardstick, by all that was measured on shared
2-core machines (2.5 to 3.5 % for ResNets). Three launches alone know their own spread too badly
to decide anything by it; eight hardly need this."""


@dataclass(frozen=True)
class Policy:
    """How a comparison is decided.

    Attributes:
        tolerance: the largest loss of throughput that is let through, as a fraction.
        first_look: launches at the first look.
        most: launches at the last look.
    """

    tolerance: float
    first_look: int
    most: int

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of launches at which the gate looks: each a third more than before."""
        looks = [self.first_look]
        while looks[-1] < self.most:
            looks.append(min(self.most, math.ceil(looks[-1] * 4 / 3)))
        return tuple(looks)

    def errors(self, launches: int) -> tuple[float, float]:
        """What the look at ``launches`` may spend on a false alarm, and on a false pass."""
        before = max((look for look in self.looks if look < launches), default=0)
        shares = (before / self.most, launches / self.most)
        return (
            ERROR * stats.error_spent(*shares, _ALARM_POWER),
            ERROR * stats.error_spent(*shares, _PASS_POWER),
        )


def judge(
    stored: Sequence[Launch], new: Sequence[Launch], batch_size: int, policy: Policy
) -> Verdict:
    """The verdict on ``new`` launches against ``stored`` ones, at this look.

    Args:
        stored: the baseline's launches, at least one.
        new: the launches so far; between two of ``policy.looks`` nothing is decided.
        batch_size: samples per step, the same on both sides.
        policy: tolerance and number of launches.

    Returns:
        A verdict with its evidence; INCONCLUSIVE means that another launch may decide.
    """
    unit = stats.yardstick_unit([*stored, *new])
    change = stats.difference(stats.log_step_times(stored, unit), stats.log_step_times(new, unit))
    alarm_error, pass_error = policy.errors(len(new))
    tolerated, too_slow = -math.log(1 - policy.tolerance), -math.log(1 - 2 * policy.tolerance)
    sure = change.moderated(_LAUNCH_SPREAD)
    upper = sure.upper(pass_error)
    if len(new) not in policy.looks:
        outcome = Outcome.INCONCLUSIVE
    elif sure.lower(alarm_error) > tolerated:
        outcome = Outcome.REGRESSED
    elif sure.upper(alarm_error) < -tolerated:
        outcome = Outcome.IMPROVED
    elif upper < too_slow:
        outcome = Outcome.PASSED
    else:
        outcome = Outcome.INCONCLUSIVE
    known = change.degrees_of_freedom > 0
    return Verdict(
        outcome=outcome,
        tolerance_percent=100 * policy.tolerance,
        slowdown_percent=_loss_percent(change.value),
        slowdown_percent_interval=(
            (_loss_percent(change.lower(0.025)), _loss_percent(change.upper(0.025)))
            if known
            else None
        ),
        missable_slowdown_percent=max(0.0, _loss_percent(upper)) if known else None,
        launches=len(new),
        baseline_launches=len(stored),
        samples_per_second=stats.throughput(new, batch_size)[0],
        baseline_samples_per_second=stats.throughput(stored, batch_size)[0],
    )


def _loss_percent(log_step_ratio: float) -> float:
    """Loss of throughput, in percent, of steps that take ``exp(log_step_ratio)`` as long."""
    return 100 * (1 - math.exp(-log_step_ratio))


@dataclass(frozen=True)
class Limits:
    """Absolute limits of a test's marker; None sets none.

    Attributes:
        min_samples_per_second: the least throughput, as measured.
        max_first_step_seconds: the longest first step of any launch.
    """

    min_samples_per_second: float | None = None
    max_first_step_seconds: float | None = None


def violations(limits: Limits, launches: Sequence[Launch], batch_size: int) -> list[str]:
    """What of ``limits`` the launches do not keep, a sentence each."""
    found = []
    throughput, _ = stats.throughput(launches, batch_size)
    least, longest = limits.min_samples_per_second, limits.max_first_step_seconds
    if least is not None and throughput < least:
        found.append(f"{throughput:.4g} samples/s, and the marker asks for at least {least:g}")
    first = max(launch.first_step_seconds for launch in launches)
    if longest is not None and first > longest:
        found.append(f"first step took {first:.4g} s, and the marker allows {longest:g} s")
    return found
