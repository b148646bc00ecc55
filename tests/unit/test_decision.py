import pytest

from simulated_comparisons import decide_by_launches
from simulated_launches import launch, noisy_launches
from traingate.gate.decision import judge, judge_pairs
from traingate.gate.policy import Policy
from traingate.records import Outcome, Pair
from traingate.report.verdict import explain

POLICY = Policy(tolerance=0.05, first_look=3, maximum=8)
SECONDS = 0.1


def verdict_on(throughput_loss: float, *, spread: float = 0.002, launches: int = 4, seed: int = 1):
    slower = SECONDS / (1 - throughput_loss)
    stored = noisy_launches(4, SECONDS, spread, seed)
    new = noisy_launches(launches, slower, spread, seed + 1000)
    return judge(stored, new, 32, POLICY)


@pytest.mark.parametrize(
    ("loss", "outcome"),
    [
        (0.00, Outcome.PASSED),
        (0.04, Outcome.PASSED),
        (0.09, Outcome.REGRESSED),
        (0.30, Outcome.REGRESSED),
        (-0.04, Outcome.PASSED),
        (-0.10, Outcome.IMPROVED),
    ],
)
def test_losses_without_much_noise_are_decided_on_either_side_of_the_tolerance(loss, outcome):
    assert verdict_on(loss, launches=POLICY.maximum).outcome is outcome


def test_a_loss_that_noise_could_explain_is_inconclusive():
    verdict = verdict_on(0.10, spread=0.10)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.missable_slowdown_percent > 10


def test_evidence_is_the_loss_of_throughput_with_its_interval():
    verdict = verdict_on(0.30)
    low, high = verdict.slowdown_percent_interval
    assert low < verdict.slowdown_percent < high
    assert verdict.slowdown_percent == pytest.approx(30, abs=1)
    assert (verdict.launches, verdict.baseline_launches) == (4, 4)
    assert verdict.baseline_samples_per_second == pytest.approx(32 / SECONDS, rel=0.02)


def test_a_slower_machine_is_no_slower_code():
    stored = [launch([SECONDS * factor] * 5) for factor in (0.99, 1.0, 1.01)]
    new = [launch([SECONDS * factor] * 5, machine=1.75) for factor in (0.99, 1.0, 1.01, 1.0)]
    verdict = judge(stored, new, 32, POLICY)
    assert verdict.outcome is Outcome.PASSED
    assert verdict.slowdown_percent == pytest.approx(0, abs=0.5)


def test_one_launch_on_each_side_decides_nothing():
    verdict = judge([launch([0.1])], [launch([0.2])], 32, Policy(0.05, 1, 1))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.slowdown_percent_interval is None


def test_looks_grow_by_a_third_up_to_the_last():
    assert POLICY.looks == (3, 4, 6, 8)
    assert Policy(0.05, 2, 2).looks == (2,)
    assert Policy(0.05, 3, 5).looks == (3, 4, 5)


def compare_until_decided(loss: float, spread: float, seed: int) -> Outcome:
    stored = noisy_launches(3, SECONDS, spread, seed)
    new = noisy_launches(POLICY.maximum, SECONDS / (1 - loss), spread, seed + 500_000)
    return decide_by_launches(stored, new, POLICY)


@pytest.mark.simulated
def test_error_rates_over_all_looks():
    """Use 2.5 %, the smallest spread of ResNets relative to the yardstick (see LAUNCH_PRIOR)."""
    tries = range(600)
    unchanged = [compare_until_decided(0.0, 0.025, seed) for seed in tries]
    at_limit = [compare_until_decided(0.05, 0.025, seed) for seed in tries]
    slower = [compare_until_decided(0.23, 0.025, seed) for seed in tries]
    assert unchanged.count(Outcome.REGRESSED) == 0
    assert unchanged.count(Outcome.PASSED) >= 0.95 * len(tries)
    assert at_limit.count(Outcome.REGRESSED) <= 0.02 * len(tries)
    assert slower.count(Outcome.REGRESSED) >= 0.99 * len(tries)


def pairs_with(slow_steps, extra_seconds, count=6, steps=40):
    """Return pairs of sides of equal speed, but for the candidate's slow steps.

    Args:
        slow_steps: Function that returns the slow steps of the pair with this number.
        extra_seconds: Seconds that a slow step takes longer.
        count: Number of pairs.
        steps: Number of steps of each side.
    """
    for number in range(count):
        seconds = [SECONDS * (1 + 0.002 * ((step + number) % 3 - 1)) for step in range(steps)]
        slow = set(slow_steps(number))
        candidate = [second + extra_seconds * (step in slow) for step, second in enumerate(seconds)]
        yield Pair(
            candidate_step_seconds=tuple(candidate),
            base_step_seconds=tuple(seconds[::-1]),
            steps_per_turn=1,
            log_ratio=0.0,
        )


def verdict_on_pairs(*arguments):
    return judge_pairs(list(pairs_with(*arguments)), 32, Policy(0.05, 3, 16))


def test_a_pass_needs_the_total_time_and_not_only_what_the_launches_share():
    scattered = verdict_on_pairs(lambda number: [5 * number], 0.4)  # 10 % of the total time
    assert scattered.slowdown_percent == pytest.approx(0, abs=0.5)
    assert scattered.outcome is Outcome.INCONCLUSIVE
    assert verdict_on_pairs(lambda _: [], 0.0).outcome is Outcome.PASSED


def test_slow_steps_at_other_places_in_each_launch_are_named_so():
    verdict = verdict_on_pairs(lambda number: [5 * number, 5 * number + 3], 1.0)
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.slowdown_percent == pytest.approx(100 / 3, abs=0.5)
    assert "most of it in steps that differ from launch to launch" in explain(verdict)


@pytest.mark.parametrize(
    ("slow_steps", "extra_seconds", "words"),
    [
        (range(1, 40, 2), 0.02, "every second step"),
        (range(4, 40, 5), 0.2, "every fifth step"),
        (range(9, 40, 10), 0.15, "every tenth step"),
        ([*range(3), *range(17, 23), *range(37, 40)], 0.05, "bursts of 6 steps, one in 20 steps"),
    ],
)
def test_the_message_says_which_steps_are_slow(slow_steps, extra_seconds, words):
    verdict = verdict_on_pairs(lambda _: slow_steps, extra_seconds)
    assert verdict.outcome is Outcome.REGRESSED
    assert verdict.changed_steps == words
    assert f"most of it in {words}" in explain(verdict)
    assert verdict.compared_steps == 40


def test_all_steps_slower_alike_have_no_pattern():
    verdict = verdict_on_pairs(lambda _: range(40), 0.02)
    assert (verdict.outcome, verdict.changed_steps) == (Outcome.REGRESSED, None)
