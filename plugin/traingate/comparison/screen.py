"""Judge new launches by stored ones: the one rule that the gate and ``traingate compare`` share."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.baselines.lookup import Baseline
from traingate.errors import BaselineError
from traingate.gate.counters import failed_by_counters, stored_counter_regressions, work_changes
from traingate.gate.decision import judge
from traingate.gate.policy import MIN_LAUNCHES, Policy
from traingate.records import Measurement, Verdict


@dataclass(frozen=True)
class Screen:
    """One look at new launches, compared with stored ones.

    Attributes:
        verdict: Decision of this look, counters included, with what differs as its evidence.
        counter_regressions: Counters that are worse than the baseline's, a sentence each.
        environment_changes: Differences of software and settings, a line each.
    """

    verdict: Verdict
    counter_regressions: tuple[str, ...]
    environment_changes: tuple[str, ...]


def screen(baseline: Baseline, measurement: Measurement, policy: Policy) -> Screen:
    """Judge *measurement* by the stored launches of *baseline*, at this look.

    Args:
        baseline: Stored launches with the record of the newest of them.
        measurement: New launches.
        policy: Tolerance and number of launches.
    """
    record = baseline.measurement
    changes = environment_changes(record.environment, measurement.environment)
    regressions = stored_counter_regressions(record, measurement)
    verdict = msgspec.structs.replace(
        judge(baseline.launches, measurement.launches, measurement.batch_size, policy),
        baseline=baseline.title,
        evidence=(*changes, *work_changes(record.counts, measurement.counts)),
    )
    return Screen(failed_by_counters(verdict, regressions), tuple(regressions), tuple(changes))


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
