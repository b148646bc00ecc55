import pytest

from traingate.gate.counters import counter_regressions, work_changes
from traingate.records import Counts


def counted(reasons=(), **counters):
    told = {"dynamo_graph_breaks": tuple(reasons)} if reasons else {}
    return Counts(counters=counters, reasons=told)


def work(flops, operators):
    return Counts(counters={}, flops_per_sample=flops, operators_per_step=operators)


def test_a_new_graph_break_is_told_with_its_reason():
    base = counted(["models.py:10: print"], dynamo_graph_breaks=1)
    now = counted(["models.py:14: print", "models.py:20: item()"], dynamo_graph_breaks=2)
    assert counter_regressions(base, now) == ["2 graph breaks, 1 before:\n    models.py:20: item()"]


@pytest.mark.parametrize(
    "name",
    ["dynamo_graph_breaks", "dynamo_recompiles", "compilations_in_measured_steps", "xla_fallbacks"],
)
def test_more_than_before_is_a_fault_and_as_many_or_fewer_are_none(name):
    assert len(counter_regressions(counted(), counted(**{name: 1}))) == 1
    assert counter_regressions(counted(**{name: 1}), counted(**{name: 1})) == []
    assert counter_regressions(counted(**{name: 2}), counted(**{name: 1})) == []


def test_a_break_for_another_reason_is_new_though_one_has_gone():
    base = counted(["a.py:1: print", "a.py:2: item()"], dynamo_graph_breaks=2)
    now = counted(["b.py:7: print", "a.py:9: a branch"], dynamo_graph_breaks=2)
    assert counter_regressions(base, now) == ["2 graph breaks, 2 before:\n    a.py:9: a branch"]


def test_another_torch_words_the_same_break_otherwise():
    base = counted(["a.py:1: data dependent"], dynamo_graph_breaks=1)
    now = counted(["a.py:1: Data-dependent branching"], dynamo_graph_breaks=1)
    assert len(counter_regressions(base, now)) == 1
    assert counter_regressions(base, now, same_torch=False) == []
    more = counted(["a.py:1: x", "a.py:2: y"], dynamo_graph_breaks=2)
    assert len(counter_regressions(base, more, same_torch=False)) == 1


def test_an_account_keeps_the_most_of_all_launches():
    joined = counted().merged_with(
        {"dynamo_recompiles": 2}, {"dynamo_recompiles": ["a.py:1 f: shape"]}
    )
    joined = joined.merged_with({"dynamo_recompiles": 0, "threads": 2}, {})
    assert joined.counters == {"dynamo_recompiles": 2, "threads": 2}
    assert joined.reasons == {"dynamo_recompiles": ("a.py:1 f: shape",)}


def test_of_late_compilations_only_whether_there_are_any_counts():
    few, many = (counted(compilations_in_measured_steps=number) for number in (3, 30))
    assert counter_regressions(few, many) == []


def test_more_graphs_or_kernels_are_no_fault():
    assert (
        counter_regressions(counted(dynamo_graphs=1), counted(dynamo_graphs=2, inductor_kernels=9))
        == []
    )


def test_other_work_is_evidence():
    base, now = work(1000.0, 100), work(1150.0, 100)
    assert work_changes(base, now) == ["FLOPs per sample: 1000 before, 1150 now (+15.0 %)"]
    assert work_changes(base, base) == []
    assert work_changes(counted(), now) == []
