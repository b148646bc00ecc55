"""Jobs of the base sides of a session's duets, without a measurement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workers import job_of

from traingate.comparison.base_side import BaseSides
from traingate.controller.job import Side
from traingate.layers import BatchSize
from traingate.layers.stack import Stack
from traingate.records import Counts, Duet, Pair
from traingate.worktree.removal import Removal

PAIR = Pair(
    candidate_step_seconds=(0.1,), base_step_seconds=(0.1,), steps_per_turn=1, log_ratio=0.0
)


def test_the_memory_of_a_base_is_remembered_for_the_same_layers_only(tmp_path):
    sides = BaseSides(tmp_path, tmp_path, Removal())
    plain, large = job_of("sleeping"), job_of("sleeping", stack=Stack.of([BatchSize(64)]))
    base = sides.job_for(plain, None)
    assert base.peak_rss_bytes is None
    duet = Duet(
        base=base.side.title, pairs=(PAIR,), candidate_environment={}, base_environment={},
        candidate_counts=Counts(counters={}), base_counts=Counts(counters={}),
        base_peak_bytes=1 << 30,
    )  # fmt: skip
    sides.remember_memory(base, duet)
    assert sides.job_for(plain, None).peak_rss_bytes == 1 << 30
    assert sides.job_for(large, None).peak_rss_bytes is None
    assert sides.job_for(replace(plain, identity="other"), None).peak_rss_bytes is None


@pytest.mark.parametrize("letter", ["a", "ü", "/"])
def test_a_side_has_folders_of_its_own_whatever_the_length_of_its_branchs_name(tmp_path, letter):
    names = {Side(f"commit 1a2b3c4d5 ({letter * 300}{end})").file_name for end in ("x", "y")}
    assert len(names) == 2
    for name in names:
        (tmp_path / f"0123456789abcdef-{name}").mkdir()
