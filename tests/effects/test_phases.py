"""Test that the time of each slow part of a step is in the phase of that name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import slow_phases
from observing import job_of

from traingate import layers
from traingate.controller.duet import measure_duet
from traingate.controller.job import LaunchPlan, Side
from traingate.controller.measure import measure
from traingate.report.progress import NoProgress

PHASES = ("data", "transfer", "forward", "backward", "optimizer", "other")


def assert_sum(phases, step_seconds):
    """Check that the phases of each step sum up to it; each is rounded to 7 digits."""
    sums = [sum(parts) for parts in zip(*phases.values(), strict=True)]
    assert sums == pytest.approx(step_seconds, abs=1e-6)


def test_the_time_of_each_slow_part_is_in_its_phase(tmp_path):
    job = job_of((slow_phases.SlowTransfer(),), slow_phases.slow_net, tmp_path, steps=5)
    (launch,) = measure(job, lambda _: True, NoProgress()).measurement.launches
    assert set(launch.phase_seconds) == set(PHASES)
    assert launch.untimed_phases == ()
    assert_sum(launch.phase_seconds, launch.step_seconds)
    shortest = {phase: min(seconds) for phase, seconds in launch.phase_seconds.items()}
    for phase, seconds in slow_phases.SLOW_SECONDS.items():
        assert shortest[phase] >= seconds - 1e-6, phase
    assert sorted(shortest, key=shortest.__getitem__) == ["other", *slow_phases.SLOW_SECONDS]


@pytest.mark.parametrize(
    "layer",
    [layers.XlaDevice(), pytest.param(layers.CompiledStep("one"), marks=pytest.mark.long)],
    ids=lambda layer: layer.name,
)
def test_a_stack_that_cannot_tell_its_phases_says_which(train, layer):
    (launch,) = train(layer).record.launches
    assert set(launch.phase_seconds) == {"data", "transfer", "other"}
    assert launch.untimed_phases == ("forward", "backward", "optimizer")
    assert_sum(launch.phase_seconds, launch.step_seconds)


def test_a_step_compiled_in_two_regions_can_tell_its_phases(train):
    (launch,) = train(layers.CompiledStep()).record.launches
    assert set(launch.phase_seconds) == set(PHASES)
    assert launch.untimed_phases == ()


@pytest.mark.parametrize(
    "by_steps", [True, pytest.param(False, marks=pytest.mark.long)], ids=["steps", "launches"]
)
def test_a_pair_has_the_phases_of_both_sides(tmp_path, by_steps):
    base = replace(
        job_of((), slow_phases.tiny_net, tmp_path, steps=6),
        is_duet_side=True,
        side=Side("the other"),
    )
    candidate = replace(
        job_of((), slow_phases.slow_in_backward, tmp_path, steps=6), is_duet_side=True
    )
    plan = LaunchPlan(1, 1)
    duet = measure_duet(candidate, base, plan, lambda _: True, NoProgress(), by_steps=by_steps)
    (pair,) = duet.pairs
    assert_sum(pair.candidate_phase_seconds, pair.candidate_step_seconds)
    assert_sum(pair.base_phase_seconds, pair.base_step_seconds)
    assert (
        min(pair.candidate_phase_seconds["backward"]) >= slow_phases.SLOW_SECONDS["backward"] - 1e-6
    )
    slow, plain = (
        sum(phases["backward"])
        for phases in (pair.candidate_phase_seconds, pair.base_phase_seconds)
    )
    assert slow > plain
