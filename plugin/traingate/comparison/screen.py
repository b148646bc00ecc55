"""Judge new launches by stored ones: the one rule that the gate and ``traingate compare`` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.baselines.lookup import Baseline
from traingate.errors import BaselineError
from traingate.gate.counters import failed_by_counters, stored_counter_regressions, work_changes
from traingate.gate.decision import judge
from traingate.gate.policy import MIN_LAUNCHES, Policy
from traingate.gate.reduction import yardstick_log_shift
from traingate.gate.statistics import log_factor, loss_percent
from traingate.records import Measurement, Outcome, Verdict
from traingate.report.verdict import loss_in_words

_NEAR: Final = 0.5
"""Largest change of the yardstick, in tolerances, with which it decides alone. A training that does
not slow down with it appears to be that much faster."""

_MAX_SHIFT: Final = 3.0
"""Largest change of the yardstick, in tolerances, with which launches are compared by it at all."""


@dataclass(frozen=True)
class Screen:
    """One look at new launches, compared with stored ones.

    Attributes:
        verdict: Decision of this look, counters included, with what differs as its evidence.
        counter_regressions: Counters that are worse than the baseline's, a sentence each.
        environment_changes: Differences of software and settings, a line each.
        doubt: Reason why the yardstick cannot decide between these launches; None if it can.
    """

    verdict: Verdict
    counter_regressions: tuple[str, ...]
    environment_changes: tuple[str, ...]
    doubt: str | None = None

    @property
    def suspects_slowdown(self) -> bool:
        """Return whether the launches are open, and on average slower than the tolerance allows."""
        verdict = self.verdict
        slowdown = verdict.slowdown_percent or 0.0
        is_open = verdict.outcome is Outcome.INCONCLUSIVE and self.doubt is None
        return is_open and slowdown > verdict.tolerance_percent

    @property
    def shows_slowdown(self) -> bool:
        """Return whether the launches are REGRESSED, or their 95 % interval is above the tolerance.

        This is less certain than the outcome REGRESSED, and enough to doubt another measurement.
        """
        is_suspicious = self.suspects_slowdown and self.is_above_tolerance
        return self.verdict.outcome is Outcome.REGRESSED or is_suspicious

    @property
    def is_above_tolerance(self) -> bool:
        """Return whether the 95 % interval of the slowdown is above the tolerance."""
        interval = self.verdict.slowdown_percent_interval
        return interval is not None and interval[0] > self.verdict.tolerance_percent


def screen(baseline: Baseline, measurement: Measurement, policy: Policy) -> Screen:
    """Judge *measurement* by the stored launches of *baseline*, at this look.

    Args:
        baseline: Stored launches with the record of the newest of them.
        measurement: New launches.
        policy: Tolerance and number of launches.
    """
    record = baseline.measurement
    new_launches = measurement.launches
    changes = environment_changes(record.environment, measurement.environment)
    regressions = stored_counter_regressions(record, measurement)
    verdict = judge(baseline.launches, new_launches, measurement.batch_size, policy)
    doubt = _doubt(baseline, measurement, policy, verdict)
    verdict = msgspec.structs.replace(
        verdict,
        outcome=Outcome.INCONCLUSIVE if doubt else verdict.outcome,
        baseline=baseline.title,
        evidence=(
            *changes,
            *work_changes(record.counts, measurement.counts),
            *([doubt] if doubt else []),
        ),
    )
    return Screen(
        failed_by_counters(verdict, regressions), tuple(regressions), tuple(changes), doubt
    )


def _doubt(
    baseline: Baseline, measurement: Measurement, policy: Policy, verdict: Verdict
) -> str | None:
    """Return why the yardstick cannot decide between these launches; None if it can.

    A training and the yardstick do not slow down in proportion on every machine. So the machine
    must have about the speed that it had when the launches were stored, by the yardstick. A little
    away from it, or if the slowdown is more than twice as large as the machine's, the step times
    as they were measured must give the same outcome.
    """
    stored, new = baseline.launches, measurement.launches
    stored_yardstick = baseline.measurement.yardstick
    if stored_yardstick != measurement.yardstick:
        return (
            f"the yardstick computes with {stored_yardstick or 'an unknown library'} there, and "
            f"with {measurement.yardstick} here: its times cannot be compared"
        )
    if any(launch.busy_visits for launch in (*stored, *new)):
        return "a process of the training could not be stopped while the yardstick measured"
    shift = yardstick_log_shift(stored, new)
    tolerance = log_factor(100 * policy.tolerance)
    if abs(shift) <= _NEAR * tolerance:
        return None
    measured = judge(stored, new, measurement.batch_size, policy, by_yardstick=False)
    agree = _direction(measured) == _direction(verdict)
    slowdowns = [each.slowdown_percent or 0.0 for each in (measured, verdict)]
    is_large = verdict.outcome is Outcome.REGRESSED and log_factor(min(slowdowns)) > 2 * abs(shift)
    if agree and (is_large or abs(shift) <= _MAX_SHIFT * tolerance):
        return None
    return (
        f"the machine is {loss_in_words(loss_percent(shift))} than it was, by the yardstick, and "
        f"the step times as measured are {loss_in_words(measured.slowdown_percent or 0.0)}: too "
        "far apart to compare them by the yardstick alone"
    )


def _direction(verdict: Verdict) -> Outcome:
    """Return the outcome of a verdict, with IMPROVED counted as PASSED."""
    return Outcome.PASSED if verdict.outcome is Outcome.IMPROVED else verdict.outcome


def check_launch_count(baseline: Baseline, launches: int) -> None:
    """Check that the launches of both sides together have a spread to judge by.

    Args:
        baseline: Stored launches.
        launches: Largest number of new launches.

    Raises:
        BaselineError: If there are too few.
    """
    stored_count = len(baseline.launches)
    if stored_count + launches < MIN_LAUNCHES:
        raise BaselineError(
            f"{stored_count} stored launch and {launches} new one have no spread to judge by: "
            "raise --traingate-launches."
        )
