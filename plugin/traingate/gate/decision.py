"""Decide on launches, or on the pairs of a duet. Pure, no I/O.

With a tolerance T the gate distinguishes "slower by at most T" from "slower by at least twice T".
Between them lies an indifference zone, as in Wald's sequential test (A. Wald, Sequential Analysis,
1947): a slowdown in it may be let through or not, and need not be resolved. The change of total
time is estimated twice: as far as all launches have it in common, and as it was measured, with all
outliers (``statistics.Change``). The first is precise on a busy machine. The second also contains
slow steps that stand at other places in each launch, and can be precise enough only after more
launches. A verdict is final when the bounds exclude one side:

    REGRESSED   every slowdown up to T is excluded, by either estimate
    IMPROVED    every speed-up up to T is excluded by the first estimate, and the second shows no
                slowdown
    PASSED      every slowdown from twice T on is excluded, by both estimates
    otherwise   another launch is measured; INCONCLUSIVE if no more are allowed
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from traingate.gate.pattern import changed_steps
from traingate.gate.policy import LAUNCH_PRIOR, PAIR_PRIORS, PLAIN_ALARM_SHARE, Policy
from traingate.gate.reduction import (
    common_epoch_starts,
    launches_change,
    pairs_change,
    throughput,
    throughput_of_steps,
)
from traingate.gate.statistics import (
    SHOWN_ERROR,
    Change,
    Difference,
    Prior,
    log_factor,
    loss_percent,
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
    stored: Sequence[Launch],
    new: Sequence[Launch],
    batch_size: int,
    policy: Policy,
    *,
    by_yardstick: bool = True,
) -> Verdict:
    """Return the verdict on new launches compared with stored ones, at this look.

    Args:
        stored: Launches of the baseline, at least one.
        new: Launches so far; nothing is decided between two of ``policy.looks``.
        batch_size: Samples per step, the same on both sides.
        policy: Tolerance and number of launches.
        by_yardstick: True to compare times relative to the yardstick, False to compare them as
            they were measured.

    Returns:
        A verdict with its evidence; INCONCLUSIVE means that another launch may decide.
    """
    change = launches_change(stored, new, by_yardstick=by_yardstick)
    epoch_starts = common_epoch_starts(new[0], [*stored, *new])
    verdict = _verdict(change, LAUNCH_PRIOR, len(new), policy, epoch_starts)
    return msgspec.structs.replace(
        verdict,
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
    candidate = [pair.candidate_step_seconds for pair in pairs]
    base = [pair.base_step_seconds for pair in pairs]
    epoch_starts = common_epoch_starts(pairs[0], pairs)
    verdict = _verdict(pairs_change(pairs), PAIR_PRIORS[method], len(pairs), policy, epoch_starts)
    return msgspec.structs.replace(
        verdict,
        method=method,
        baseline_launches=len(pairs),
        samples_per_second=throughput_of_steps(candidate, batch_size)[0],
        baseline_samples_per_second=throughput_of_steps(base, batch_size)[0],
    )


def decide_change(change: Change, method: Method, pairs: int, policy: Policy) -> Outcome:
    """Return the outcome of a duet at one look; INCONCLUSIVE means that another pair may decide.

    Args:
        change: Change that the pairs so far show.
        method: Method of the duet.
        pairs: Number of pairs so far; nothing is decided between two of ``policy.looks``.
        policy: Tolerance and number of pairs.
    """
    return _outcome(change, PAIR_PRIORS[method], pairs, policy)


def _verdict(
    change: Change, prior: Prior, launches: int, policy: Policy, epoch_starts: Sequence[int]
) -> Verdict:
    """Return the decision of this look on a change of total times, with its evidence."""
    pass_error = policy.errors(launches)[1]
    upper = max(
        estimate.moderated(prior).upper(pass_error)
        for estimate in (change.repeatable, change.plain)
    )
    outcome = _outcome(change, prior, launches, policy)
    shown, steps = change.repeatable, None
    if outcome is Outcome.REGRESSED and not _is_alarm(shown, prior, launches, policy):
        shown, steps = change.plain, "steps that differ from launch to launch"
    elif outcome in {Outcome.REGRESSED, Outcome.IMPROVED}:
        steps = changed_steps(change.step_effects, change.step_effects_error, epoch_starts)
    has_spread = shown.degrees_of_freedom > 0
    return Verdict(
        outcome=outcome,
        tolerance_percent=100 * policy.tolerance,
        slowdown_percent=loss_percent(shown.value),
        slowdown_percent_interval=(shown.loss_interval if has_spread else None),
        missable_slowdown_percent=max(0.0, loss_percent(upper)) if has_spread else None,
        launches=launches,
        changed_steps=steps,
        compared_steps=len(change.step_effects),
    )


def _outcome(change: Change, prior: Prior, launches: int, policy: Policy) -> Outcome:
    """Return the outcome of this look; the module's docstring has the rules."""
    if launches not in policy.looks:
        return Outcome.INCONCLUSIVE
    if _is_alarm(change.repeatable, prior, launches, policy) or _is_alarm(
        change.plain, prior, launches, policy, share=PLAIN_ALARM_SHARE
    ):
        return Outcome.REGRESSED
    alarm_error, pass_error = policy.errors(launches)
    upper = change.repeatable.moderated(prior).upper(alarm_error)
    if upper < -log_factor(100 * policy.tolerance) and change.plain.value <= 0:
        return Outcome.IMPROVED
    limit = log_factor(200 * policy.tolerance)
    # The prior narrows the bound of a few pairs that scatter widely. A pass must also hold by the
    # unmoderated interval, which is the one that users see.
    if all(
        estimate.moderated(prior).upper(pass_error) < limit and estimate.upper(SHOWN_ERROR) < limit
        for estimate in (change.repeatable, change.plain)
    ):
        return Outcome.PASSED
    return Outcome.INCONCLUSIVE


def _is_alarm(
    estimate: Difference, prior: Prior, launches: int, policy: Policy, share: float = 1.0
) -> bool:
    """Return True if an estimate excludes every slowdown up to the tolerance.

    Args:
        estimate: One of the two estimates of a change.
        prior: Spread that is assumed before any launch.
        launches: Number of launches at this look.
        policy: Tolerance and number of launches.
        share: Share of the look's error that this estimate may spend.
    """
    alarm_error = share * policy.errors(launches)[0]
    return estimate.moderated(prior).lower(alarm_error) > log_factor(100 * policy.tolerance)
