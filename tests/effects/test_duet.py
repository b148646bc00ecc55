"""Test pairs of workers with torch: under each launcher, by steps and by whole launches."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest
from observing import job_of
from subjects import loading_net, slowly_loading_net, small_net

from traingate import layers
from traingate.controller.duet import measure_duet
from traingate.controller.job import LaunchPlan, Side
from traingate.layers.slowdown import InjectedSlowdown
from traingate.layers.stack import Stack
from traingate.report.progress import NoProgress

TWO_PAIRS = LaunchPlan(2, 2)
ONE_PAIR = LaunchPlan(1, 1)


def duet_of(job, base, *, by_steps, plan=TWO_PAIRS):
    candidate_job = replace(job, is_duet_side=True)
    base_job = replace(base, is_duet_side=True, side=Side("the other"))
    return measure_duet(
        candidate_job, base_job, plan, lambda _: True, NoProgress(), by_steps=by_steps
    )


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(layers.TunedRuntime("glibc", "gnu"), id="run_cpu", marks=pytest.mark.long),
        pytest.param(layers.DataParallel("torchrun", 2), id="torchrun"),
    ],
)
def test_both_sides_take_their_turns_under_a_launcher(layer, tmp_path):
    job = job_of((layer,), small_net, tmp_path, steps=6)
    duet = duet_of(job, job, by_steps=True, plan=ONE_PAIR)
    assert [len(pair.candidate_step_seconds) for pair in duet.pairs] == [6]
    assert [len(pair.base_step_seconds) for pair in duet.pairs] == [6]
    assert duet.base_counts.counters == duet.candidate_counts.counters
    assert duet.base_environment == duet.candidate_environment


@pytest.mark.long
@pytest.mark.timed
def test_launch_by_launch_a_large_slowdown_is_found(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=6)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(90.0)]))
    duet = duet_of(slow, plain, by_steps=False)
    assert [pair.steps_per_turn for pair in duet.pairs] == [0, 0]
    # A step takes ten times as long, and log 10 = 2.3. Launches of this net scatter by 15 %, on a
    # noisy machine by 35 %.
    assert all(0.7 < pair.log_ratio < 4.0 for pair in duet.pairs)


@pytest.mark.timed
def test_an_injected_slowdown_is_measured_at_its_true_size(tmp_path):
    plain = job_of((), small_net, tmp_path, steps=20)
    slow = replace(plain, stack=Stack.of([InjectedSlowdown(50.0)]))
    duet = duet_of(slow, plain, by_steps=True)
    # A step takes twice as long, and log 2 = 0.69; fetching and zero_grad are not slowed down.
    assert all(0.25 < pair.log_ratio < 1.1 for pair in duet.pairs)


@pytest.mark.long
@pytest.mark.timed
def test_a_loader_that_became_slower_is_measured_at_its_true_size(tmp_path):
    stack = [layers.DataWorkers(1)]
    base = job_of(stack, loading_net, tmp_path, steps=None)
    candidate = job_of(stack, slowly_loading_net, tmp_path, steps=None)
    duet = duet_of(candidate, base, by_steps=True)
    assert all(pair.busy_turns == 0 for pair in duet.pairs)
    slow_seconds = [statistics.fmean(pair.candidate_step_seconds) for pair in duet.pairs]
    fast_seconds = [statistics.fmean(pair.base_step_seconds) for pair in duet.pairs]
    for pair, slow, fast in zip(duet.pairs, slow_seconds, fast_seconds, strict=True):
        # Eight images of 30 ms take 0.24 s, while the training computes the step before.
        assert 0.24 < slow < 0.24 + fast
        assert pair.log_ratio > math.log(0.24 / (1.05 * fast)) > 0
