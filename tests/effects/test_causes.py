"""Test that the first line of a red verdict names the cause, its place and its share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from changed_models import attention, convolutions
from observing import job_of
from subjects import HERE

from sample_records import measurement
from simulated_launches import launch
from traingate import layers
from traingate.comparison.duet import compare_by_duet
from traingate.controller.job import Side
from traingate.records import Outcome
from traingate.report.progress import NoProgress
from traingate.report.verdict import explain
from traingate.training_setup import workload_name

TOLERANCE = 4.0
LARGE = partial(convolutions, extra_parameters=8_000_000)
"""Training with an optimizer that takes a notable part of each step."""


@pytest.fixture
def verdict_of(tmp_path):
    """``verdict_of(base, candidate, stack)``: the verdict of a duet of two workloads."""

    def judge(base, candidate, stack=(), max_pairs=9):
        record = measurement([launch([0.1] * 4)], batch_size=16)
        plain = job_of(stack, convolutions, tmp_path, steps=20)
        names = [workload_name(workload, {}) for workload in (candidate, base)]
        jobs = [replace(plain, workload=name, identity=name.identity(HERE)) for name in names]
        other = replace(jobs[1], side=Side("the other"))
        return compare_by_duet(
            jobs[0], other, record, NoProgress(), tolerance=TOLERANCE, max_pairs=max_pairs
        ).verdict

    return judge


def first_line(verdict):
    assert verdict.outcome is Outcome.REGRESSED
    return explain(verdict).splitlines()[0]


CAUSES = {
    "copies": (convolutions, {"copies": True}, (), ("aten::co", "in stage*.* (Block")),
    "data": (convolutions, {"load_seconds": 0.001}, (), ("waiting for data", "_decode at")),
    "doubled": (convolutions, {"doubled_stage": "stage2"}, (), ("stage2",)),
    "graph break": (
        convolutions, {"breaks_graph": True}, (layers.TorchCompile(),),
        ("graph break", "changed_models.py"),
    ),
    "optimizer": (LARGE, {"optimizer": "AdamW"}, (), ("AdamW instead of SGD",)),
    "item": (convolutions, {"items": True}, (), ("aten::item", "_reading_step at")),
    "python norm": (attention, {"python_norm": True}, (), ("layers.*.norm", "PythonNorm")),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("cause", CAUSES)
def test_the_first_line_names_the_cause_and_its_place(verdict_of, cause):
    """Shorter ones are in plugin/test_profile_commands and process/test_profiling."""
    workload, change, stack, words = CAUSES[cause]
    line = first_line(verdict_of(workload, partial(workload, **change), stack))
    for word in words:
        assert word in line
    assert "% of the slowdown" in line or cause == "graph break"


@pytest.mark.long
def test_parameters_that_are_trained_again_make_backward_do_more(verdict_of):
    line = first_line(verdict_of(partial(convolutions, frozen_stage="stage1"), convolutions))
    assert "stage1" in line
    assert "(backward)" in line


SPREAD = {
    "fewer threads": {"threads": 1},
    "three causes": {"copies": True, "load_seconds": 0.001, "doubled_stage": "stage2"},
}


@pytest.mark.long
@pytest.mark.parametrize("kind", SPREAD)
def test_no_single_cause_is_named_if_there_is_none(verdict_of, kind):
    line = first_line(verdict_of(convolutions, partial(convolutions, **SPREAD[kind])))
    assert "no single cause" in line


@pytest.mark.long
def test_the_shares_of_known_work_add_up_to_the_slowdown(verdict_of):
    slower = partial(LARGE, load_seconds=0.001, optimizer="AdamW")
    verdict = verdict_of(LARGE, slower, max_pairs=4)
    explanation = verdict.explanation
    waiting = next(cause for cause in explanation.causes if cause.phase == "data")
    assert waiting.change == pytest.approx(16 * 0.001, rel=0.25)  # sleeps take a little longer
    assert any("AdamW" in cause.title for cause in explanation.causes)
    total = sum(cause.change for cause in explanation.causes) + explanation.unexplained_seconds
    low, high = explanation.change_interval
    assert low <= total <= high
    assert abs(explanation.unexplained_seconds) < 0.2 * explanation.change
