"""Pairs of real workers, under each launcher, and launch by launch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from observing import job_of
from subjects import small_net

from traingate import layers
from traingate.controller.duet import measure_duet
from traingate.controller.job import LaunchPlan, Side
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.report.progress import NoProgress

TWO = LaunchPlan(2, 2)


def measured(job, base, *, by_steps):
    ours = replace(job, is_duet_side=True)
    theirs = replace(base, is_duet_side=True, side=Side("the other"))
    return measure_duet(ours, theirs, TWO, lambda _: True, NoProgress(), by_steps=by_steps)


@pytest.mark.parametrize(
    "stack",
    [(layers.TunedRuntime("glibc", "gnu"),), (layers.DataParallel("torchrun", 2),)],
    ids=["run_cpu", "torchrun"],
)
def test_both_sides_take_their_turns_under_a_launcher(stack, tmp_path):
    job = job_of(stack, small_net, tmp_path, steps=6)
    found = measured(job, job, by_steps=True)
    assert [len(pair.candidate_step_seconds) for pair in found.pairs] == [6, 6]
    assert [len(pair.base_step_seconds) for pair in found.pairs] == [6, 6]
    assert found.base_counts.counters == found.candidate_counts.counters
    assert found.base_environment == found.candidate_environment


def test_launch_by_launch_a_great_slowdown_is_seen_too(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=6)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(90.0)]))
    found = measured(slow, plain, by_steps=False)
    assert [pair.steps_per_turn for pair in found.pairs] == [0, 0]
    # Ten times as long, log 10 = 2.3; launches of this net scatter by 15 %, in noisy hours by 35 %.
    assert all(0.7 < pair.log_ratio < 4.0 for pair in found.pairs)


def test_a_known_slowdown_is_seen_as_large_as_it_is(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=20)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(50.0)]))
    found = measured(slow, plain, by_steps=True)
    # Twice as long: log 2 = 0.69, less what is not slowed down: fetching, zero_grad.
    assert all(0.25 < pair.log_ratio < 1.1 for pair in found.pairs)
