"""Pairs of a duet: the order of their steps, their end, and what is left when a side fails."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from trainings import STEPS_FILE
from workers import job_of, record_of

from traingate.comparison.duet import compare_by_duet
from traingate.controller.duet import fit_together, measure_duet
from traingate.controller.job import LaunchPlan, Side
from traingate.errors import BaselineError, WorkerDiedError
from traingate.records import Method
from traingate.report.progress import NoProgress

THE_OTHER = Side("the other")
ONE_PAIR = LaunchPlan(1, 1)
TWO_PAIRS = LaunchPlan(2, 2)


@pytest.fixture
def steps(stand_in, temporary, monkeypatch):
    """A file to which each step of either side adds its letter."""
    file = temporary / "steps"
    monkeypatch.setenv(STEPS_FILE, str(file))
    return file


def measured(candidate="candidate", base="base", plan=ONE_PAIR, enough=bool, **changes):
    jobs = (job_of(candidate, **changes), job_of(base, side=THE_OTHER))
    return measure_duet(*jobs, plan, enough, NoProgress(), by_steps=fit_together(*jobs))


def test_sides_step_in_turns_and_the_first_of_them_alternates_until_pairs_are_enough(steps):
    looks = []

    def enough(duet):
        looks.append(len(duet.pairs))
        return looks[-1] == 2

    duet = measured(plan=LaunchPlan(1, 3), enough=enough)
    warm_up, rounds = "ccbb", "cbbc" * 2
    swapped_warm_up, swapped_rounds = "bbcc", "bccb" * 2
    assert steps.read_text() == warm_up + rounds + swapped_warm_up + swapped_rounds
    assert looks == [1, 2]
    assert [pair.method for pair in duet.pairs] == [Method.STEPS] * 2
    for pair in duet.pairs:
        assert len(pair.candidate_step_seconds) == len(pair.base_step_seconds) == 4
    assert duet.base == "the other"


def test_sides_that_do_not_fit_into_memory_together_take_turns_launch_by_launch(steps):
    duet = measured(plan=TWO_PAIRS, peak_rss_bytes=1 << 60)
    of_launch = 2 + 4  # warm-up and steps
    candidate, base = "c" * of_launch, "b" * of_launch
    assert steps.read_text() == candidate + base + base + candidate
    assert [pair.method for pair in duet.pairs] == [Method.TURNS] * 2


def test_both_sides_take_the_warm_up_steps_of_the_side_that_compiles_longer(steps):
    duet = measured("compiling", "base", plan=TWO_PAIRS)
    warm_up = 5  # the first step, and four until none compiles
    pairs = [
        "c" * warm_up + "bb" + "b" * 3 + "cbbc" * 2,
        "b" * warm_up + "c" * warm_up + "bccb" * 2,
    ]
    assert steps.read_text() == "".join(pairs)
    assert [pair.warmup_steps for pair in duet.pairs] == [4, 4]


@pytest.mark.parametrize(("candidate", "base"), [("compiling", "base"), ("base", "compiling")])
def test_launches_in_turns_compare_the_steps_that_both_sides_measured(steps, candidate, base):
    duet = measured(candidate, base, plan=TWO_PAIRS, peak_rss_bytes=1 << 60, steps=6)
    assert [pair.warmup_steps for pair in duet.pairs] == [4, 4]
    shared_steps = (
        3 if candidate == "base" else 6
    )  # the second side of pair 1 takes at least as many
    assert len(duet.pairs[0].candidate_step_seconds) == shared_steps
    assert len(duet.pairs[0].base_step_seconds) == shared_steps
    assert len(duet.pairs[1].base_step_seconds) == 6


def test_a_base_that_needs_too_much_memory_beside_a_small_candidate_takes_turns_too(steps):
    jobs = (job_of("candidate"), job_of("base", side=THE_OTHER, peak_rss_bytes=1 << 60))
    duet = measure_duet(*jobs, TWO_PAIRS, bool, NoProgress(), by_steps=fit_together(*jobs))
    assert [pair.method for pair in duet.pairs] == [Method.TURNS] * 2


@pytest.mark.parametrize(
    ("data_workers_bytes", "method"), [(0, Method.STEPS), (1 << 60, Method.TURNS)]
)
def test_the_memory_of_data_workers_decides_too_whether_both_sides_fit(
    steps, data_workers_bytes, method
):
    record = record_of([0.01])
    (launch,) = record.launches
    launch = msgspec.structs.replace(launch, data_workers_peak_bytes=data_workers_bytes)
    record = msgspec.structs.replace(record, launches=(launch,))
    jobs = (job_of("candidate"), job_of("base", side=THE_OTHER, peak_rss_bytes=None))
    result = compare_by_duet(*jobs, record, NoProgress(), tolerance=40.0, max_pairs=2)
    assert {pair.method for pair in result.duet.pairs} == {method}


@pytest.mark.parametrize(
    ("candidate", "base", "label"),
    [
        ("killed", "base", "launch 1"),
        ("candidate", "killed", "launch 1 of the base, the other"),
    ],
)
def test_a_side_that_is_killed_is_named_and_nothing_is_left_of_the_other(
    steps, candidate, base, label
):
    with pytest.raises(WorkerDiedError, match=rf"^{label} was killed by SIGKILL .* in step 1 of 4"):
        measured(candidate, base)


def test_batches_of_different_sizes_are_not_compared(steps):
    with pytest.raises(BaselineError, match="the base trains batches of 8, and the candidate of 4"):
        measured(base="large_batches")
    assert not steps.exists()


def test_an_error_within_a_pair_leaves_nothing(steps):
    class Failing(NoProgress):
        def stepped(self, step, steps, samples_per_second):
            raise RuntimeError("nobody reads the terminal")

    jobs = (job_of("candidate"), replace(job_of("base"), side=THE_OTHER))
    with pytest.raises(RuntimeError, match="nobody reads"):
        measure_duet(*jobs, ONE_PAIR, bool, Failing(), by_steps=True)
