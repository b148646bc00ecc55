"""Decide on launches, or on the pairs of a duet. Pure, no I/O.

With a tolerance T the gate distinguishes "slower by at most T" from "slower by at least twice T".
Between them lies an indifference zone, as in Wald's sequential test (A. Wald, Sequential Analysis,
1947): a slowdown in it may be let through or not, and need not be resolved. A verdict is final
when the bound of the difference excludes one side:

    REGRESSED   every slowdown up to T is excluded
    IMPROVED    every speed-up up to T is excluded, and any slowdown
    PASSED      every slowdown from twice T on is excluded
    else        measure another launch; INCONCLUSIVE when no more are allowed
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from traingate.gate.policy import LAUNCH_PRIOR, PAIR_PRIORS, Policy
from traingate.gate.statistics import (
    Difference,
    Prior,
    log_factor,
    log_step_times,
    loss_percent,
    paired_difference,
    throughput,
    throughput_of_steps,
    two_sample_difference,
    yardstick_unit,
)
from traingate.records import Launch, Measurement, Method, Outcome, Pair, Verdict


def no_baseline(measurement: Measurement, tolerance: float, reason: str | None = None) -> Verdict:
    """Return NO_BASELINE: there is nothing to judge *measurement* by.

    Args:
        measurement: Measurement, which was taken although there is no baseline.
        tolerance: Tolerance in percent.
        reason: Reason for the lack of a baseline; None if no comparison was requested.
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
    """Return the verdict on new launches compared with stored ones, at this look.

    Args:
        stored: Launches of the baseline, at least one.
        new: Launches so far; nothing is decided between two of ``policy.looks``.
        batch_size: Samples per step, the same on both sides.
        policy: Tolerance and number of launches.

    Returns:
        A verdict with its evidence; INCONCLUSIVE means that another launch may decide.
    """
    unit = yardstick_unit([*stored, *new])
    change = two_sample_difference(log_step_times(stored, unit), log_step_times(new, unit))
    return msgspec.structs.replace(
        _verdict(change, LAUNCH_PRIOR, len(new), policy),
        method=Method.LAUNCHES,
        baseline_launches=len(stored),
        samples_per_second=throughput(new, batch_size)[0],
        baseline_samples_per_second=throughput(stored, batch_size)[0],
    )


def judge_pairs(pairs: Sequence[Pair], batch_size: int, policy: Policy) -> Verdict:
    """Return the verdict on the pairs of a duet, at this look.

    Args:
        pairs: Pairs so far, at least one; nothing is decided between two of ``policy.looks``.
        batch_size: Samples per step, the same on both sides.
        policy: Tolerance and number of pairs.

    Returns:
        A verdict with its evidence, as ``judge`` returns it. Its throughputs are those of the
        launches of the duet.
    """
    method = pairs[0].method
    change = paired_difference([pair.log_ratio for pair in pairs])
    candidate = [pair.candidate_step_seconds for pair in pairs]
    base = [pair.base_step_seconds for pair in pairs]
    return msgspec.structs.replace(
        _verdict(change, PAIR_PRIORS[method], len(pairs), policy),
        method=method,
        baseline_launches=len(pairs),
        samples_per_second=throughput_of_steps(candidate, batch_size),
        baseline_samples_per_second=throughput_of_steps(base, batch_size),
    )


def first_decision(
    log_ratios: Sequence[float], method: Method, policy: Policy
) -> tuple[Outcome, int]:
    """Return the outcome of a duet whose pairs would have these log ratios, in this order.

    Args:
        log_ratios: Log ratios of the pairs, at least as many as the last look takes.
        method: Method of the duet.
        policy: Tolerance and number of pairs.

    Returns:
        The outcome at the first look that decides, and the number of pairs taken by then;
        INCONCLUSIVE and the number of the last look if none decides.
    """
    outcome, pairs = Outcome.INCONCLUSIVE, 0
    for pairs in policy.looks:
        change = paired_difference(log_ratios[:pairs])
        outcome = _outcome(change, PAIR_PRIORS[method], pairs, policy)
        if outcome is not Outcome.INCONCLUSIVE:
            break
    return outcome, pairs


def _verdict(change: Difference, prior: Prior, launches: int, policy: Policy) -> Verdict:
    """Return the decision of this look on a difference of log step times, with its evidence."""
    upper = change.moderated(prior).upper(policy.errors(launches)[1])
    has_spread = change.degrees_of_freedom > 0
    return Verdict(
        outcome=_outcome(change, prior, launches, policy),
        tolerance_percent=100 * policy.tolerance,
        slowdown_percent=loss_percent(change.value),
        slowdown_percent_interval=(
            (loss_percent(change.lower(0.025)), loss_percent(change.upper(0.025)))
            if has_spread
            else None
        ),
        missable_slowdown_percent=max(0.0, loss_percent(upper)) if has_spread else None,
        launches=launches,
    )


def _outcome(change: Difference, prior: Prior, launches: int, policy: Policy) -> Outcome:
    """Return the outcome of this look; the module's docstring has the rules."""
    if launches not in policy.looks:
        return Outcome.INCONCLUSIVE
    alarm_error, pass_error = policy.errors(launches)
    log_tolerance = log_factor(100 * policy.tolerance)
    log_twice_tolerance = log_factor(200 * policy.tolerance)
    moderated = change.moderated(prior)
    if moderated.lower(alarm_error) > log_tolerance:
        return Outcome.REGRESSED
    if moderated.upper(alarm_error) < -log_tolerance:
        return Outcome.IMPROVED
    # The prior narrows the bound of a few pairs that scatter widely. A pass must also hold by the
    # unmoderated interval, which is the one that users see.
    if (
        moderated.upper(pass_error) < log_twice_tolerance
        and change.upper(0.025) < log_twice_tolerance
    ):
        return Outcome.PASSED
    return Outcome.INCONCLUSIVE
