import pytest

from traingate.causes.cells import CellChange, compare_cells, corrected_by_phases
from traingate.causes.explanation import explain_change
from traingate.causes.groups import find_causes, module_keys
from traingate.records.explanation import PhaseChange
from traingate.records.profile import (
    Cell,
    FunctionTime,
    Profile,
    Reorder,
    compact_profile,
    mean_profile,
)

CONV = "aten::conv2d"
COPY = "aten::copy_"


def profile(*rows, **changes):
    """Return a profile of rows ``(phase, module, operator, calls, milliseconds)``."""
    cells = tuple(
        Cell(phase, module, operator, "", calls, milliseconds / 1000)
        for phase, module, operator, calls, milliseconds in rows
    )
    seconds = sum(cell.seconds for cell in cells)
    return Profile(**{"steps": 2, "step_seconds": seconds, "cells": cells, **changes})


def explain(base, candidate, **changes):
    phases = {cell.phase for cell in (*base.cells, *candidate.cells)}
    changes_of_phases = [
        PhaseChange(
            phase=phase,
            base_seconds=sum(cell.seconds for cell in base.cells if cell.phase == phase),
            seconds=sum(cell.seconds for cell in candidate.cells if cell.phase == phase),
        )
        for phase in sorted(phases)
    ]
    change = candidate.step_seconds - base.step_seconds
    return explain_change(base, candidate, changes_of_phases, change, **changes)


def net(copies=0.0, conv=2.0, data=1.0, update=3.0, **changes):
    rows = [("data", "", "Python", 0, data), ("optimizer", "", "aten::add_", 4, update)]
    for block in ("layer1.0", "layer1.1", "layer2.0", "layer2.1"):
        rows.append(("forward", f"{block}.conv1", CONV, 1, conv))
        rows.append(("backward", f"{block}.conv1", "aten::convolution_backward", 1, 2 * conv))
        if copies:
            rows.append(("forward", block, COPY, 2, copies))
    kinds = {f"layer{n}.{m}": "Block" for n in (1, 2) for m in (0, 1)}
    return profile(*rows, **{"module_types": kinds, "optimizers": ("SGD",), **changes})


def test_new_copies_are_named_with_their_calls_modules_and_share():
    sentence = explain(net(), net(copies=1.0)).sentence
    assert sentence == (
        f"{COPY} is new, 8 calls per step in layer*.* (Block) (forward): +4 ms per step, "
        "100 % of the slowdown"
    )


def test_a_gain_is_explained_in_the_same_way():
    sentence = explain(net(copies=1.0), net()).sentence
    assert sentence.startswith(f"{COPY} is gone, 8 calls per step in layer*.*")
    assert sentence.endswith("-4 ms per step, 100 % of the speed-up")


def test_waiting_for_data_is_named_with_the_function_that_loads_it():
    def functions(seconds):
        return (FunctionTime("data.py:7", "__getitem__", 8.0, seconds),)

    slow = net(data=9.0, functions=functions(0.009))
    sentence = explain(net(functions=functions(0.001)), slow).sentence
    assert sentence.startswith("waiting for data, __getitem__ at data.py:7 (1 to 9 ms): +8 ms")


def test_another_optimizer_is_named():
    sentence = explain(net(), net(update=9.0, optimizers=("AdamW",))).sentence
    assert sentence.startswith("the optimizer step, of AdamW instead of SGD: +6 ms")


def test_a_module_is_named_if_several_of_its_operators_have_changed():
    base = profile(
        ("forward", "layers.0.norm", "aten::native_layer_norm", 1, 1),
        ("forward", "layers.1.norm", "aten::native_layer_norm", 1, 1),
        ("forward", "layers.0.linear", "aten::addmm", 1, 20),
        ("forward", "layers.1.linear", "aten::addmm", 1, 20),
        module_types={"layers.0.norm": "LayerNorm", "layers.1.norm": "LayerNorm"},
    )
    rows = [("forward", "layers.0.linear", "aten::addmm", 1, 20),
            ("forward", "layers.1.linear", "aten::addmm", 1, 20)]  # fmt: skip
    for number in (0, 1):
        rows += [
            ("forward", f"layers.{number}.norm", f"aten::{name}", 1, 2)
            for name in ("mean", "sub", "pow")
        ]
    kinds = {"layers.0.norm": "MyNorm", "layers.1.norm": "MyNorm"}
    sentence = explain(base, profile(*rows, module_types=kinds)).sentence
    assert sentence.startswith("layers.*.norm (LayerNorm or MyNorm) (forward): aten::")
    assert "100 % of the slowdown" in sentence


def test_one_stage_is_named_if_only_its_blocks_have_changed():
    rows = [
        ("forward", f"layer{stage}.{block}.conv1", CONV, 1, 2)
        for stage in (1, 2)
        for block in (0, 1)
    ]
    doubled = [(*row[:3], 2, 4) if row[1].startswith("layer2") else row for row in rows]
    sentence = explain(profile(*rows), profile(*doubled)).sentence
    assert sentence.startswith(f"{CONV} +2 calls per step in layer2.*.conv1")


@pytest.mark.parametrize("factor", [1.2, 3.0])
def test_no_cause_is_named_if_everything_has_become_slower(factor):
    base = net()
    slow = net(conv=2 * factor, data=factor, update=3 * factor)
    assert explain(base, slow).sentence == (
        "no single cause of the slowdown: it is spread over 4 operators"
    )


def test_several_causes_are_named_as_such():
    sentence = explain(net(), net(copies=1.0, data=5.0, update=7.0)).sentence
    assert sentence.startswith("no single cause of the slowdown: ")
    assert sentence.count("33 %") == 3


def test_a_worse_compilation_is_the_cause_if_computing_is_slower():
    explanation = explain(net(), net(conv=3.0), compilations=["1 graph break more (models.py:3)"])
    assert explanation.sentence.startswith("1 graph break more (models.py:3): +12 ms per step")
    waiting = explain(net(), net(data=9.0), compilations=["1 graph break more (models.py:3)"])
    assert waiting.sentence.startswith("waiting for data")


def test_the_causes_and_the_rest_add_up_to_the_change_and_share_no_cell():
    explanation = explain(net(), net(copies=1.0, conv=2.2, data=2.0))
    total = sum(cause.change for cause in explanation.causes) + explanation.unexplained_seconds
    assert total == pytest.approx(explanation.change)
    groups = find_causes(compare_cells(net(), net(copies=1.0, conv=2.2, data=2.0)), 0.0074)
    cells = [id(cell) for group in groups for cell in group.cells]
    assert len(cells) == len(set(cells))


def test_the_share_has_the_interval_of_the_whole_change():
    explanation = explain(net(), net(copies=1.0), change_interval=(0.0032, 0.0048))
    assert explanation.causes[0].share_interval == pytest.approx((0.833, 1.25), abs=0.001)


def test_profiled_changes_are_corrected_to_the_timed_ones_if_that_is_plausible():
    cells = [CellChange("forward", "a", CONV, 1, 1, 0.010, 0.016, 0.006)]

    def corrected(change):
        phase = PhaseChange(phase="forward", base_seconds=0.01, seconds=0.01 + change)
        return corrected_by_phases(cells, [phase])[0].change

    assert corrected(0.004) == pytest.approx(0.004)
    assert corrected(0.001) == pytest.approx(0.001)
    assert corrected(0.015) == pytest.approx(0.006)
    assert corrected(-0.004) == 0


def test_work_outside_of_modules_is_named_by_its_phase():
    """The optimizer and the data have nothing in common but that they are in no module."""
    explanation = explain(net(), net(data=5.0, update=9.0))
    assert [cause.phase for cause in explanation.causes] == ["optimizer", "data"]


def test_a_module_that_was_inserted_is_the_cause_and_not_those_after_it():
    base = profile(
        ("forward", "0", CONV, 1, 5.0),
        ("forward", "1", CONV, 1, 20.0),
        module_types={"0": "Conv2d", "1": "Conv2d"},
    )
    candidate = profile(
        ("forward", "0", CONV, 1, 5.0),
        ("forward", "1", "aten::native_batch_norm", 1, 4.0),
        ("forward", "2", CONV, 1, 20.0),
        module_types={"0": "Conv2d", "1": "BatchNorm2d", "2": "Conv2d"},
    )
    explanation = explain(base, candidate)
    assert explanation.sentence.startswith(
        "aten::native_batch_norm is new, one call per step in 1 (BatchNorm2d)"
    )
    assert explanation.unexplained_seconds == pytest.approx(0)


def test_a_replaced_operator_is_no_larger_cause_than_the_slowdown():
    base = profile(("forward", "a", "old", 1, 20.0), ("forward", "b", CONV, 1, 20.0))
    candidate = profile(("forward", "a", "new", 1, 24.0), ("forward", "b", CONV, 1, 20.0))
    (cause,) = explain(base, candidate).causes
    assert (cause.module, cause.operator) == ("a", "")
    assert cause.share == pytest.approx(1)


def test_a_module_with_nearly_all_of_the_change_is_preferred_to_its_phase():
    base = profile(("forward", "layer1.0", CONV, 1, 2.0))
    candidate = profile(("forward", "layer1.0", CONV, 9, 6.0), ("forward", "", "Python", 0, 0.2))
    (cause,) = explain(base, candidate).causes
    assert (cause.module, cause.calls) == ("layer1.0", 9)


def test_keys_of_a_module_lead_from_the_outermost_to_the_innermost():
    assert list(module_keys("layer2.0.conv1")) == [
        "layer2", "layer*", "layer2.0", "layer2.*", "layer*.*", "layer2.0.conv1", "layer2.*.conv1",
        "layer*.*.conv*",
    ]  # fmt: skip
    assert list(module_keys("")) == []


@pytest.mark.parametrize("path", [".".join("a" * 200_000), "a." * 9 + "b" * 200_000])
def test_a_path_that_no_model_has_is_its_only_key(path):
    assert list(module_keys(path)) == [path]


def test_the_longest_path_has_all_its_keys():
    assert len(list(module_keys(".".join("a" * 100)))) == 100


def test_memory_and_reorders_are_facts_if_they_have_changed():
    base = net(peak_bytes={"forward": 1 << 20, "backward": 1 << 20})
    reorders = (Reorder("src:a dst:b", "8x3", 5.0, 0.002),)
    candidate = net(peak_bytes={"forward": 3 << 20, "backward": 1 << 20}, reorders=reorders)
    assert explain(base, candidate).facts == (
        "peak memory of tensors in forward: 1.0 to 3.0 MiB",
        "oneDNN reorders per step: 0 to 5 (0 to 2 ms)",
    )


def test_the_mean_of_profiles_weighs_each_step():
    first = profile(("forward", "a", CONV, 2, 4))
    second = profile(("forward", "a", CONV, 1, 1), steps=6)
    mean = mean_profile([first, second])
    assert (mean.steps, mean.cells[0].calls) == (8, 1.25)
    assert mean.cells[0].seconds == pytest.approx(0.00175)


def test_a_compact_profile_loses_no_time_and_no_call():
    full = net(copies=1.0)
    compact = compact_profile(full, 3)
    assert len(compact.cells) < len(full.cells)
    assert sum(cell.seconds for cell in compact.cells) == pytest.approx(full.step_seconds)
    assert sum(cell.calls for cell in compact.cells) == sum(cell.calls for cell in full.cells)
    assert len([cell for cell in compact.cells if cell.module]) == 3
