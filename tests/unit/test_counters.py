import msgspec
import pytest

from sample_records import measurement
from simulated_launches import launch
from traingate.gate.counters import (
    counter_regressions,
    stored_counter_regressions,
    work_changes,
)
from traingate.records import Counts


def counts(reasons=(), **counters):
    reasons_by_counter = {"dynamo_graph_breaks": tuple(reasons)} if reasons else {}
    return Counts(counters=counters, reasons=reasons_by_counter)


def counts_of_work(flops, operators):
    return Counts(counters={}, flops_per_sample=flops, operators_per_step=operators)


def test_a_new_graph_break_is_reported_with_its_reason():
    base = counts(["models.py:10: print"], dynamo_graph_breaks=1)
    now = counts(["models.py:14: print", "models.py:20: item()"], dynamo_graph_breaks=2)
    assert counter_regressions(base, now) == ["2 graph breaks, 1 before: models.py:20: item()"]


@pytest.mark.parametrize(
    "name",
    ["dynamo_graph_breaks", "dynamo_recompiles", "compilations_in_measured_steps", "xla_fallbacks"],
)
def test_only_a_larger_count_than_before_is_a_regression(name):
    assert len(counter_regressions(counts(), counts(**{name: 1}))) == 1
    assert counter_regressions(counts(**{name: 1}), counts(**{name: 1})) == []
    assert counter_regressions(counts(**{name: 2}), counts(**{name: 1})) == []


def test_a_break_for_a_new_reason_is_reported_though_another_has_gone():
    base = counts(["a.py:1: print", "a.py:2: item()"], dynamo_graph_breaks=2)
    now = counts(["b.py:7: print", "a.py:9: a branch"], dynamo_graph_breaks=2)
    assert counter_regressions(base, now) == ["2 graph breaks, 2 before: a.py:9: a branch"]


def test_reasons_of_breaks_are_not_compared_between_versions_of_torch():
    base = counts(["a.py:1: data dependent"], dynamo_graph_breaks=1)
    now = counts(["a.py:1: Data-dependent branching"], dynamo_graph_breaks=1)
    assert len(counter_regressions(base, now)) == 1
    assert counter_regressions(base, now, same_torch=False) == []
    two_breaks = counts(["a.py:1: x", "a.py:2: y"], dynamo_graph_breaks=2)
    assert len(counter_regressions(base, two_breaks, same_torch=False)) == 1


def test_merged_counts_keep_the_largest_of_all_launches():
    merged = counts().merged_with(
        {"dynamo_recompiles": 2}, {"dynamo_recompiles": ["a.py:1 f: shape"]}
    )
    merged = merged.merged_with({"dynamo_recompiles": 0, "threads": 2}, {})
    assert merged.counters == {"dynamo_recompiles": 2, "threads": 2}
    assert merged.reasons == {"dynamo_recompiles": ("a.py:1 f: shape",)}


def test_more_compilations_in_measured_steps_than_before_are_no_regression():
    few, many = (counts(compilations_in_measured_steps=number) for number in (3, 30))
    assert counter_regressions(few, many) == []


def test_more_graphs_or_kernels_are_no_regression():
    assert (
        counter_regressions(counts(dynamo_graphs=1), counts(dynamo_graphs=2, inductor_kernels=9))
        == []
    )


def test_a_different_amount_of_work_is_evidence():
    base, now = counts_of_work(1000.0, 100), counts_of_work(1150.0, 100)
    assert work_changes(base, now) == ["FLOPs per sample: 1000 before, 1150 now (+15.0 %)"]
    assert work_changes(base, base) == []
    assert work_changes(counts(), now) == []


def record_of(*recompilations, steps=5):
    """Return a record whose launches have these numbers of recompilations."""
    launches = [
        msgspec.structs.replace(launch([0.1] * steps), counters={"dynamo_recompiles": count})
        for count in recompilations
    ]
    return measurement(launches)


def test_counters_of_as_many_launches_are_compared():
    stored = record_of(0, 0, 0)
    assert stored_counter_regressions(stored, record_of(0, 0, 0, 0, 0, 1)) == []
    assert stored_counter_regressions(stored, record_of(0, 0, 1)) != []
    assert stored_counter_regressions(record_of(1, 0, 0), record_of(0, 1, 0)) != []


def test_counters_of_another_number_of_steps_are_not_compared():
    assert stored_counter_regressions(record_of(0), record_of(1, steps=40)) == []
    assert stored_counter_regressions(record_of(0), record_of(1)) != []
