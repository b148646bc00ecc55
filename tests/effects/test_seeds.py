"""Test that launches and sides draw the same random numbers, and the ranks of a training others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from drawing import DRAWS_FILE, drawing_more_net, drawing_net
from observing import job_of

from traingate import layers
from traingate.controller.duet import measure_duet
from traingate.controller.job import LaunchPlan, Side
from traingate.controller.measure import measure
from traingate.report.progress import NoProgress

TWO = LaunchPlan(2, 2)

for_both_stacks = pytest.mark.parametrize(
    "stack",
    [(layers.DataWorkers(1),), pytest.param((), marks=pytest.mark.long)],
    ids=["data_workers", "plain"],
)


@pytest.fixture
def draws(tmp_path, monkeypatch):
    """Return a function that returns the numbers drawn by each process and place, in order."""
    file = tmp_path / "draws"
    monkeypatch.setenv(DRAWS_FILE, str(file))

    def drawn() -> dict[str, list[list]]:
        numbers: dict[tuple[str, str, int], list] = {}
        for line in file.read_text().splitlines():
            row = json.loads(line)
            place = (row["workload"], row["place"], row["process"])
            numbers.setdefault(place, []).append(row["numbers"])
        by_place: dict[str, list[list]] = {}
        for (workload, place, _), rows in numbers.items():
            by_place.setdefault(f"{workload} {place}", []).append(rows)
        return by_place

    return drawn


def assert_equal(sequences: list[list], count: int) -> None:
    """Check that *count* processes drew the same numbers, which differ from step to step.

    A data worker may have fetched ahead of the last step when its process ends.
    """
    assert len(sequences) == count
    common = min(map(len, sequences))
    assert common >= 4
    assert all(sequence[:common] == sequences[0][:common] for sequence in sequences)
    first = sequences[0]
    for kind in range(3):  # random, numpy, torch
        assert len({numbers[kind] for numbers in first}) == len(first)


@for_both_stacks
def test_two_launches_draw_the_same_numbers(draws, tmp_path, stack):
    job = replace(job_of(stack, drawing_net, tmp_path, steps=4), launches=TWO)
    measure(job, lambda _: True, NoProgress())
    drawn = draws()
    assert_equal(drawn["drawing_net step"], 2)
    assert_equal(drawn["drawing_net sample"], 2)


@for_both_stacks
def test_both_sides_draw_the_same_numbers_if_one_draws_more_while_it_builds(draws, tmp_path, stack):
    candidate = replace(job_of(stack, drawing_more_net, tmp_path, steps=4), is_duet_side=True)
    base = replace(
        job_of(stack, drawing_net, tmp_path, steps=4), is_duet_side=True, side=Side("the other")
    )
    measure_duet(candidate, base, LaunchPlan(1, 1), lambda _: True, NoProgress(), by_steps=True)
    drawn = draws()
    for place in ("step", "sample"):
        assert_equal([*drawn[f"drawing_more_net {place}"], *drawn[f"drawing_net {place}"]], 2)


def test_each_rank_draws_other_numbers(draws, tmp_path):
    job = job_of((layers.DataParallel("torchrun", 2),), drawing_net, tmp_path, steps=4)
    measure(job, lambda _: True, NoProgress())
    first, second = draws()["drawing_net step"]
    for kind in range(3):  # random, numpy, torch
        first_numbers, second_numbers = ({row[kind] for row in rows} for rows in (first, second))
        assert len(first_numbers) == len(second_numbers) > 1
        assert first_numbers.isdisjoint(second_numbers)
