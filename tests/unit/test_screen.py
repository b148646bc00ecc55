"""Test what stored launches and new ones decide without a duet."""

from pathlib import Path

import msgspec
import pytest

from sample_records import measurement
from simulated_launches import launch
from traingate.baselines.lookup import Baseline
from traingate.comparison.screen import check_launch_count, screen
from traingate.errors import BaselineError
from traingate.gate.policy import Policy
from traingate.records import Method, Outcome

PATH = Path("0001_base.json")


def baseline(*launches, **changes):
    stored = measurement(launches, **changes)
    return Baseline(stored, PATH, PATH.name, None, stored.launches)


def test_a_screen_has_the_environment_changes_and_the_counter_regressions():
    steps = [launch([0.1 * factor] * 5) for factor in (0.999, 1.0, 1.001)]
    broken_steps = [
        msgspec.structs.replace(step, counters={"dynamo_graph_breaks": 1}) for step in steps
    ]
    now = measurement(broken_steps, environment={"python": "3.12.1"}, flops_per_sample=2e6)
    result = screen(baseline(*steps), now, Policy(0.05, 3, 8))
    assert result.environment_changes == ("python: 3.11.7 there, 3.12.1 here",)
    assert result.counter_regressions == ("1 graph break, 0 before",)
    assert (result.verdict.outcome, result.verdict.cause) == (Outcome.REGRESSED, None)
    assert result.verdict.method is Method.COUNTERS
    assert result.verdict.evidence == (
        "python: 3.11.7 there, 3.12.1 here",
        "FLOPs per sample: 1e+06 before, 2e+06 now (+100.0 %)",
    )


def test_a_single_launch_on_each_side_cannot_be_judged():
    single = baseline(launch([0.1]))
    check_launch_count(single, 2)
    with pytest.raises(BaselineError, match="no spread to judge by"):
        check_launch_count(single, 1)


@pytest.mark.parametrize(
    ("machine", "slower", "outcome"),
    [
        (1.0, 1.0, Outcome.PASSED),
        (1.04, 1.0, Outcome.PASSED),  # the yardstick has about the same speed
        (1.4, 1.0, Outcome.INCONCLUSIVE),  # it has another, and the times as measured are longer
        (0.7, 1.0, Outcome.INCONCLUSIVE),
        (1.4, 0.857, Outcome.INCONCLUSIVE),  # a fifth slower, and faster than the yardstick
        (1.05, 1.02, Outcome.INCONCLUSIVE),  # 2 % slower by the yardstick, 7 % as measured
        (1.1, 1.3, Outcome.REGRESSED),  # both ways to compare agree
        (1.4, 3.0, Outcome.REGRESSED),
        (0.7, 1.3, Outcome.INCONCLUSIVE),
    ],
)
def test_a_screen_decides_only_where_the_yardstick_or_the_measured_times_support_it(
    machine, slower, outcome
):
    factors = (0.999, 1.0, 1.001)
    stored = [launch([0.1 * factor] * 5) for factor in factors]
    now = measurement([launch([0.1 * slower * factor] * 5, machine=machine) for factor in factors])
    verdict = screen(baseline(*stored), now, Policy(0.05, 3, 8)).verdict
    assert verdict.outcome is outcome
    assert any("by the yardstick" in line for line in verdict.evidence) == (
        outcome is Outcome.INCONCLUSIVE
    )


@pytest.mark.parametrize("busy_side", [0, 1])
def test_launches_beside_a_process_that_could_not_be_stopped_screen_nothing(busy_side):
    steps = [launch([0.1 * factor] * 5) for factor in (0.999, 1.0, 1.001)]
    sides = [steps, steps]
    sides[busy_side] = [msgspec.structs.replace(step, busy_visits=1) for step in steps]
    verdict = screen(baseline(*sides[0]), measurement(sides[1]), Policy(0.05, 3, 8)).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "could not be stopped" in verdict.evidence[-1]


def test_launches_are_not_screened_across_two_libraries_of_the_yardstick():
    steps = [launch([0.1 * factor] * 5) for factor in (0.999, 1.0, 1.001)]
    stored = baseline(*steps, yardstick="numpy 2.3 openblas")
    verdict = screen(
        stored, measurement(steps, yardstick="numpy 2.3 mkl"), Policy(0.05, 3, 8)
    ).verdict
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "numpy 2.3 openblas there, and with numpy 2.3 mkl here" in verdict.evidence[-1]
