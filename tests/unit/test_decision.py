import pytest

from simulated_comparisons import decide_by_launches
from simulated_launches import launch, noisy_launches
from traingate.gate.decision import judge
from traingate.gate.policy import Policy
from traingate.records import Outcome

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
