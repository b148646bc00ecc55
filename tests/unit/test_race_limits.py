"""Limits of memory and of time for the launches of a race."""

from __future__ import annotations

import msgspec
import pytest

from simulated_races import HARDWARE, plain_measurement
from traingate.records import LayerRecord
from traingate.records.race import Candidate, Heat, Race, RaceLaunch
from traingate.tuning import memory
from traingate.tuning.memory import LaunchMemory
from traingate.tuning.timeouts import race_timeouts

GIB = 1 << 30
PLAIN_BATCH = 8


def candidate(batch_size=PLAIN_BATCH):
    layer = LayerRecord("batch_size", {"samples": batch_size})
    return Candidate(choices={"size": str(batch_size)}, layers=(layer,), environment="")


def race_of(*candidates, first_step_seconds=0.0):
    """Return a race whose plain workload takes one gibibyte with a batch of 8, in its only heat."""
    plain = plain_measurement()
    first_launch = msgspec.structs.replace(plain.launches[0], peak_rss_bytes=GIB)
    plain = msgspec.structs.replace(plain, batch_size=PLAIN_BATCH, launches=(first_launch,))
    launch = RaceLaunch(
        candidate=0, turn_seconds=(1.0,), steps_per_turn=1, batch_size=PLAIN_BATCH,
        first_step_seconds=first_step_seconds, peak_bytes=GIB,
    )  # fmt: skip
    return Race(
        test="a.py::test", created="2026-01-01T00:00:00+00:00", objective="samples-per-second",
        space_size=9, axes={}, plain=plain, machine=HARDWARE, seed=0,
        candidates=(candidate(), *candidates),
        heats=(Heat(stage="search", rounds=1, launches=(launch,)),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("batch_sizes", "together"),
    [((8, 8, 8, 8), 5), ((64, 8, 8, 8), 2), ((8, 32, 8, 8), 4), ((4, 4, 4, 4), 5)],
)
def test_a_launch_with_a_larger_batch_is_expected_to_need_more_memory(
    monkeypatch, batch_sizes, together
):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1.25 * 7 * GIB)
    race = race_of(*map(candidate, batch_sizes))
    assert LaunchMemory().fitting(race, range(5)) == together


@pytest.mark.parametrize(
    ("race_seconds", "longest", "expected"),
    [(60, 0, 120), (600, 0, 300), (600, 200, 400), (7200, 0, 600), (600, 3000, 600)],
)
def test_a_race_that_goes_on_waits_for_what_has_to_be_compiled_again(
    race_seconds, longest, expected
):
    limits = race_timeouts(None, race_seconds, race_of(first_step_seconds=longest))
    assert limits.first_step == expected + limits.step
    assert race_timeouts(7.0, race_seconds, race_of()).first_step == 7.0
