"""Test pairs of workers with torch: under each launcher, by steps and by whole launches."""

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

TWO_PAIRS = LaunchPlan(2, 2)


def duet_of(job, base, *, by_steps):
    candidate_job = replace(job, is_duet_side=True)
    base_job = replace(base, is_duet_side=True, side=Side("the other"))
    return measure_duet(
        candidate_job, base_job, TWO_PAIRS, lambda _: True, NoProgress(), by_steps=by_steps
    )


@pytest.mark.parametrize(
    "stack",
    [(layers.TunedRuntime("glibc", "gnu"),), (layers.DataParallel("torchrun", 2),)],
    ids=["run_cpu", "torchrun"],
)
def test_both_sides_take_their_turns_under_a_launcher(stack, tmp_path):
    job = job_of(stack, small_net, tmp_path, steps=6)
    duet = duet_of(job, job, by_steps=True)
    assert [len(pair.candidate_step_seconds) for pair in duet.pairs] == [6, 6]
    assert [len(pair.base_step_seconds) for pair in duet.pairs] == [6, 6]
    assert duet.base_counts.counters == duet.candidate_counts.counters
    assert duet.base_environment == duet.candidate_environment


def test_launch_by_launch_a_large_slowdown_is_found(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=6)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(90.0)]))
    duet = duet_of(slow, plain, by_steps=False)
    assert [pair.steps_per_turn for pair in duet.pairs] == [0, 0]
    # A step takes ten times as long, and log 10 = 2.3. Launches of this net scatter by 15 %, on a
    # noisy machine by 35 %.
    assert all(0.7 < pair.log_ratio < 4.0 for pair in duet.pairs)


def test_an_injected_slowdown_is_measured_at_its_true_size(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=20)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(50.0)]))
    duet = duet_of(slow, plain, by_steps=True)
    # A step takes twice as long, and log 2 = 0.69; fetching and zero_grad are not slowed down.
    assert all(0.25 < pair.log_ratio < 1.1 for pair in duet.pairs)
