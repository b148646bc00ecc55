"""The gate: launches, or pairs of a duet, to a verdict. Pure, no I/O.

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

import statistics
from collections.abc import Sequence

import msgspec

from traingate.gate import statistics as stats
from traingate.gate.policy import LAUNCH_SPREAD, PAIR_SPREAD, Policy
from traingate.records import Launch, Measurement, Method, Outcome, Pair, Verdict


def unjudged(measurement: Measurement, tolerance: float, reason: str | None = None) -> Verdict:
    """NO_BASELINE: there is nothing to judge ``measurement`` by.

    Args:
        measurement: what was measured all the same.
        tolerance: in percent.
        reason: why there is nothing.
    """
    return Verdict(
        outcome=Outcome.NO_BASELINE,
        tolerance_percent=tolerance,
        launches=len(measurement.launches),
        samples_per_second=measurement.samples_per_second,
        reason=reason,
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
    return msgspec.structs.replace(
        _decided(change, LAUNCH_SPREAD, len(new), policy),
        method=Method.LAUNCHES,
        baseline_launches=len(stored),
        samples_per_second=stats.throughput(new, batch_size)[0],
        baseline_samples_per_second=stats.throughput(stored, batch_size)[0],
    )


def judge_pairs(pairs: Sequence[Pair], batch_size: int, policy: Policy) -> Verdict:
    """The verdict on the pairs of a duet, at this look.

    Args:
        pairs: so far, at least one; between two of ``policy.looks`` nothing is decided.
        batch_size: samples per step, the same on both sides.
        policy: tolerance and number of pairs.

    Returns:
        As ``judge``; throughputs are those of the duet's own launches.
    """
    method = Method.STEPS if pairs[0].steps_per_turn else Method.TURNS
    change = stats.paired([pair.log_ratio for pair in pairs])
    ours, theirs = (
        batch_size / statistics.median(map(statistics.median, side))
        for side in (
            [pair.candidate_step_seconds for pair in pairs],
            [pair.base_step_seconds for pair in pairs],
        )
    )
    return msgspec.structs.replace(
        _decided(change, PAIR_SPREAD[method], len(pairs), policy),
        method=method,
        baseline_launches=len(pairs),
        samples_per_second=ours,
        baseline_samples_per_second=theirs,
    )


def first_decision(
    log_ratios: Sequence[float], method: Method, policy: Policy
) -> tuple[Outcome, int]:
    """What a duet comes to whose pairs would be ``log_ratios``, one after the other.

    Returns:
        The outcome at the first look that decides, and the number of pairs taken by then;
        INCONCLUSIVE with the last look's if none does.
    """
    outcome, pairs = Outcome.INCONCLUSIVE, 0
    for pairs in policy.looks:
        change = stats.paired(log_ratios[:pairs])
        outcome = _outcome(change, PAIR_SPREAD[method], pairs, policy)
        if outcome is not Outcome.INCONCLUSIVE:
            break
    return outcome, pairs


def _decided(
    change: stats.Difference, prior: stats.Prior, launches: int, policy: Policy
) -> Verdict:
    """What this look at a difference of log step times decides, with its evidence."""
    upper = change.moderated(prior).upper(policy.errors(launches)[1])
    known = change.degrees_of_freedom > 0
    return Verdict(
        outcome=_outcome(change, prior, launches, policy),
        tolerance_percent=100 * policy.tolerance,
        slowdown_percent=stats.loss_percent(change.value),
        slowdown_percent_interval=(
            (stats.loss_percent(change.lower(0.025)), stats.loss_percent(change.upper(0.025)))
            if known
            else None
        ),
        missable_slowdown_percent=max(0.0, stats.loss_percent(upper)) if known else None,
        launches=launches,
    )


def _outcome(
    change: stats.Difference, prior: stats.Prior, launches: int, policy: Policy
) -> Outcome:
    if launches not in policy.looks:
        return Outcome.INCONCLUSIVE
    alarm_error, pass_error = policy.errors(launches)
    tolerated, too_slow = (
        stats.log_factor(100 * policy.tolerance),
        stats.log_factor(200 * policy.tolerance),
    )
    sure = change.moderated(prior)
    if sure.lower(alarm_error) > tolerated:
        return Outcome.REGRESSED
    if sure.upper(alarm_error) < -tolerated:
        return Outcome.IMPROVED
    # Few pairs that scatter widely borrow sureness from the prior; a pass must hold without it too,
    # by the interval that a person is shown.
    if sure.upper(pass_error) < too_slow and change.upper(0.025) < too_slow:
        return Outcome.PASSED
    return Outcome.INCONCLUSIVE
