"""What must hold for the statistics of any launches: scale, order, sign and monotony."""

from __future__ import annotations

import math

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulated_launches import launch
from traingate.gate.decision import judge, judge_pairs
from traingate.gate.pattern import changed_steps
from traingate.gate.policy import Policy
from traingate.gate.reduction import (
    launches_change,
    pairs_change,
    step_quantiles,
    throughput,
    yardstick_log_shift,
)
from traingate.gate.statistics import (
    Difference,
    error_spent,
    log_factor,
    loss_percent,
    mean_interval,
    paired_difference,
    t_quantile,
    two_sample_difference,
)
from traingate.gate.suite import suite_change
from traingate.records import Outcome, Pair, Verdict

EXAMPLES = settings(deadline=None, max_examples=60, derandomize=True, database=None)
"""Number of inputs of each test, the same in each run."""


PROPERTIES = []
"""Strategies of the inputs of each test, with the test as a function of them; the fuzzer tries more."""


def for_all(*strategies):
    """Return a decorator that tries a test with inputs of these strategies."""

    def decorate(test):
        PROPERTIES.append((st.tuples(*strategies), test))
        return EXAMPLES(given(*strategies)(test))

    return decorate


SECONDS = st.floats(1e-4, 10.0)
FACTORS = st.floats(0.01, 100.0)
STEPS = 6
LAUNCHES = st.lists(
    st.lists(SECONDS, min_size=STEPS, max_size=STEPS).map(launch), min_size=2, max_size=4
)
LOGS = st.lists(st.floats(-5, 5), min_size=2, max_size=8)
RANK = {
    Outcome.IMPROVED: 0, Outcome.PASSED: 1, Outcome.INCONCLUSIVE: 2, Outcome.REGRESSED: 3,
}  # fmt: skip


def near(first, second):
    return math.isclose(first, second, rel_tol=1e-6, abs_tol=1e-9)


def alike(first: Difference, second: Difference, sign: int = 1) -> bool:
    """Return whether two differences are the same, or each other's negative."""
    return (
        near(first.value, sign * second.value)
        and near(first.standard_error, second.standard_error)
        and first.degrees_of_freedom == second.degrees_of_freedom
    )


def scaled(launches, factor, *, with_yardstick=False):
    """Return launches whose steps, and perhaps whose yardstick, take longer by a factor."""
    names = ["step_seconds"]
    if with_yardstick:
        names += ["gemm_seconds", "triad_seconds", "yardstick_seconds"]
    return [
        msgspec.structs.replace(
            item, **{name: tuple(factor * each for each in getattr(item, name)) for name in names}
        )
        for item in launches
    ]


def pairs_of(candidate, base):
    return [
        Pair(
            candidate_step_seconds=new.step_seconds, base_step_seconds=old.step_seconds,
            steps_per_turn=1, log_ratio=math.log(sum(new.step_seconds) / sum(old.step_seconds)),
        )
        for new, old in zip(candidate, base, strict=False)
    ]  # fmt: skip


def mirrored(pair):
    return msgspec.structs.replace(
        pair, candidate_step_seconds=pair.base_step_seconds,
        base_step_seconds=pair.candidate_step_seconds, log_ratio=-pair.log_ratio,
    )  # fmt: skip


@for_all(LAUNCHES, LAUNCHES, FACTORS)
def test_a_change_does_not_depend_on_the_unit_of_time(stored, new, factor):
    change = launches_change(stored, new)
    other = launches_change(scaled(stored, factor), scaled(new, factor))
    assert alike(change.repeatable, other.repeatable)
    assert alike(change.plain, other.plain)


@for_all(LAUNCHES, LAUNCHES, FACTORS)
def test_a_machine_that_is_slower_in_one_launch_changes_nothing(stored, new, factor):
    """The yardstick is slower by as much; the unit is the median, so all others keep theirs."""
    change = launches_change(stored, new)
    slower = [*scaled(new[:1], factor, with_yardstick=True), *new[1:]]
    other = launches_change(stored, slower)
    assert alike(change.repeatable, other.repeatable)
    assert alike(change.plain, other.plain)


@for_all(LAUNCHES, LAUNCHES, st.randoms(use_true_random=False))
def test_the_order_of_launches_does_not_count(stored, new, random):
    change = launches_change(stored, new)
    random.shuffle(stored)
    random.shuffle(new)
    other = launches_change(stored, new)
    assert alike(change.repeatable, other.repeatable)
    assert alike(change.plain, other.plain)


@for_all(LAUNCHES, LAUNCHES)
def test_the_change_from_here_to_there_is_the_negative_of_the_way_back(stored, new):
    there, back = launches_change(stored, new), launches_change(new, stored)
    assert alike(there.plain, back.plain, sign=-1)
    assert alike(there.repeatable, back.repeatable, sign=-1)


@for_all(LAUNCHES, LAUNCHES)
def test_the_sides_of_a_duet_are_treated_alike(candidate, base):
    pairs = pairs_of(candidate, base)
    there, back = pairs_change(pairs), pairs_change([*map(mirrored, pairs)])
    assert alike(there.plain, back.plain, sign=-1)
    assert alike(there.repeatable, back.repeatable, sign=-1)


@for_all(LAUNCHES, LAUNCHES, FACTORS, st.randoms(use_true_random=False))
def test_neither_the_order_of_pairs_nor_the_unit_of_time_counts(candidate, base, factor, random):
    pairs = pairs_of(candidate, base)
    change = pairs_change(pairs)
    random.shuffle(pairs)
    assert alike(change.plain, pairs_change(pairs).plain)
    assert alike(change.repeatable, pairs_change(pairs).repeatable)
    other = pairs_change(pairs_of(scaled(candidate, factor), scaled(base, factor)))
    assert alike(change.repeatable, other.repeatable)


@for_all(LAUNCHES, LAUNCHES, st.floats(1.0, 50.0))
def test_a_slowdown_of_all_steps_shows_in_full(stored, new, factor):
    change, slower = launches_change(stored, new), launches_change(stored, scaled(new, factor))
    for before, after in (
        (change.plain, slower.plain), (change.repeatable, slower.repeatable)
    ):  # fmt: skip
        assert near(after.value - before.value, math.log(factor))
        assert near(after.standard_error, before.standard_error)


@for_all(
    st.lists(st.floats(0.98, 1.02), min_size=4, max_size=4),
    st.lists(st.floats(0.98, 1.02), min_size=4, max_size=4),
    st.lists(st.floats(0.5, 3.0), min_size=2, max_size=6),
)
def test_a_larger_slowdown_never_has_a_better_verdict(stored, new, factors):
    policy = Policy(0.05, 4, 4)
    before = [launch([level] * STEPS) for level in stored]
    ranks, duet_ranks = [], []
    for factor in sorted(factors):
        after = [launch([factor * level] * STEPS) for level in new]
        ranks.append(RANK[judge(before, after, 8, policy).outcome])
        duet_ranks.append(RANK[judge_pairs(pairs_of(after, before), 8, policy).outcome])
    assert ranks == sorted(ranks)
    assert duet_ranks == sorted(duet_ranks)


@for_all(LAUNCHES, LAUNCHES)
def test_a_verdict_of_any_launches_is_complete(stored, new):
    verdict = judge(stored, new, 8, Policy(0.05, len(new), len(new)))
    low, high = verdict.slowdown_percent_interval
    assert low <= verdict.slowdown_percent <= high < 100 or near(low, high)
    assert verdict.samples_per_second > 0
    assert verdict.outcome is not Outcome.NO_BASELINE


@for_all(LAUNCHES, st.integers(1, 4096), FACTORS)
def test_throughput_is_samples_by_time(launches, batch, factor):
    value, interval = throughput(launches, batch)
    assert interval[0] <= value * (1 + 1e-9)
    assert value <= interval[1] * (1 + 1e-9)
    assert near(throughput(launches, 2 * batch)[0], 2 * value)
    assert near(throughput(scaled(launches, factor), batch)[0], value / factor)
    backwards = [launch(item.step_seconds[::-1]) for item in launches[::-1]]
    assert near(throughput(backwards, batch)[0], value)
    quantiles = list(step_quantiles(launches).values())
    assert quantiles == sorted(quantiles) == list(step_quantiles(backwards).values())


@for_all(LAUNCHES, LAUNCHES)
def test_the_shift_of_the_yardstick_has_a_sign(stored, new):
    assert near(yardstick_log_shift(stored, new), -yardstick_log_shift(new, stored))


@for_all(LOGS, LOGS, st.floats(-3, 3))
def test_differences_of_samples(first, second, shift):
    difference = two_sample_difference(first, second)
    assert alike(difference, two_sample_difference(second, first), sign=-1)
    moved = two_sample_difference(first, [value + shift for value in second])
    assert near(moved.value, difference.value + shift)
    assert difference.lower(0.01) <= difference.lower(0.05) <= difference.value
    assert difference.value <= difference.upper(0.05) <= difference.upper(0.01)
    paired = paired_difference(first)
    assert alike(paired, paired_difference([-value for value in first]), sign=-1)
    assert alike(paired, paired_difference(first[::-1]))


@for_all(LOGS, st.floats(0.5, 0.99), st.floats(0.5, 0.99))
def test_an_interval_has_the_mean_and_grows_with_its_confidence(values, first, second):
    low, high = sorted((first, second))
    narrow, wide = mean_interval(values, low), mean_interval(values, high)
    mean = math.fsum(values) / len(values)
    assert wide[0] <= narrow[0] + 1e-9
    assert narrow[0] <= mean + 1e-9
    assert mean <= narrow[1] + 1e-9
    assert narrow[1] <= wide[1] + 1e-9


@for_all(st.floats(1e-6, 1 - 1e-6), st.floats(1e-6, 1 - 1e-6), st.integers(1, 100))
def test_quantiles_rise_and_are_symmetric(first, second, degrees):
    low, high = sorted((first, second))
    assert t_quantile(low, degrees) <= t_quantile(high, degrees)
    assert math.isclose(
        t_quantile(low, degrees), -t_quantile(1 - low, degrees), rel_tol=1e-4, abs_tol=1e-6
    )


@for_all(st.floats(-20, 20), st.floats(-20, 20))
def test_losses_rise_with_time_and_can_be_undone(first, second):
    low, high = sorted((first, second))
    assert loss_percent(low) <= loss_percent(high) <= 100
    assume(high < 15)
    assert math.isclose(log_factor(loss_percent(high)), high, rel_tol=1e-6, abs_tol=1e-6)


@for_all(st.integers(1, 12), st.floats(0.2, 5))
def test_all_looks_together_spend_the_error_once(looks, power):
    shares = [look / looks for look in range(looks + 1)]
    spent = [error_spent(shares[i], shares[i + 1], power) for i in range(looks)]
    assert all(part > 0 for part in spent)
    assert near(math.fsum(spent), 1.0)


@for_all(st.lists(st.tuples(st.floats(-300, 99), st.floats(0, 10)), min_size=1, max_size=6))
def test_one_number_for_a_suite_lies_between_its_tests_in_any_order(slowdowns):
    verdicts = [
        Verdict(
            outcome=Outcome.PASSED, tolerance_percent=5.0, slowdown_percent=slowdown,
            slowdown_percent_interval=(slowdown - width, min(slowdown + width, 99.9)),
        )
        for slowdown, width in slowdowns
    ]  # fmt: skip
    change, other = suite_change(verdicts), suite_change(verdicts[::-1])
    assert near(change.ratio, other.ratio)
    ratios = [1 - slowdown / 100 for slowdown, _ in slowdowns]
    assert min(ratios) * (1 - 1e-9) <= change.ratio <= max(ratios) * (1 + 1e-9)
    assert change.ratio_interval[0] <= change.ratio * (1 + 1e-9)


@for_all(
    st.lists(st.floats(-5, 5), max_size=60),
    st.floats(0, 2),
    st.sets(st.integers(0, 59), max_size=5),
)
def test_slow_steps_are_described_for_any_effects(effects, error, starts):
    text = changed_steps(effects, error, tuple(sorted(starts)))
    assert text is None or text.strip()


INPUTS = st.sampled_from(range(len(PROPERTIES))).flatmap(
    lambda number: st.tuples(st.just(number), PROPERTIES[number][0])
)
"""Numbers of properties, each with an input of it."""


def check_property(value):
    """Check that a property holds for an input."""
    number, arguments = value
    PROPERTIES[number][1](*arguments)
