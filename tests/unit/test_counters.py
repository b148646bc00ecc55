import pytest

from traingate.gate.counters import faults, shifts
from traingate.records import Account


def account(reasons=(), **counters):
    told = {"dynamo_graph_breaks": tuple(reasons)} if reasons else {}
    return Account(counters=counters, reasons=told)


def work(flops, operators):
    return Account(counters={}, flops_per_sample=flops, operators_per_step=operators)


def test_a_new_graph_break_is_told_with_its_reason():
    base = account(["models.py:10: print"], dynamo_graph_breaks=1)
    now = account(["models.py:14: print", "models.py:20: item()"], dynamo_graph_breaks=2)
    assert faults(base, now) == ["2 graph breaks, 1 before:\n    models.py:20: item()"]


@pytest.mark.parametrize(
    "name",
    ["dynamo_graph_breaks", "dynamo_recompiles", "compilations_in_measured_steps", "xla_fallbacks"],
)
def test_more_than_before_is_a_fault_and_as_many_or_fewer_are_none(name):
    assert len(faults(account(), account(**{name: 1}))) == 1
    assert faults(account(**{name: 1}), account(**{name: 1})) == []
    assert faults(account(**{name: 2}), account(**{name: 1})) == []


def test_a_break_for_another_reason_is_new_though_one_has_gone():
    base = account(["a.py:1: print", "a.py:2: item()"], dynamo_graph_breaks=2)
    now = account(["b.py:7: print", "a.py:9: a branch"], dynamo_graph_breaks=2)
    assert faults(base, now) == ["2 graph breaks, 2 before:\n    a.py:9: a branch"]


def test_another_torch_words_the_same_break_otherwise():
    base = account(["a.py:1: data dependent"], dynamo_graph_breaks=1)
    now = account(["a.py:1: Data-dependent branching"], dynamo_graph_breaks=1)
    assert len(faults(base, now)) == 1
    assert faults(base, now, same_torch=False) == []
    more = account(["a.py:1: x", "a.py:2: y"], dynamo_graph_breaks=2)
    assert len(faults(base, more, same_torch=False)) == 1


def test_an_account_keeps_the_most_of_all_launches():
    joined = account().joined({"dynamo_recompiles": 2}, {"dynamo_recompiles": ["a.py:1 f: shape"]})
    joined = joined.joined({"dynamo_recompiles": 0, "threads": 2}, {})
    assert joined.counters == {"dynamo_recompiles": 2, "threads": 2}
    assert joined.reasons == {"dynamo_recompiles": ("a.py:1 f: shape",)}


def test_of_late_compilations_only_whether_there_are_any_counts():
    few, many = (account(compilations_in_measured_steps=number) for number in (3, 30))
    assert faults(few, many) == []


def test_more_graphs_or_kernels_are_no_fault():
    assert faults(account(dynamo_graphs=1), account(dynamo_graphs=2, inductor_kernels=9)) == []


def test_other_work_is_evidence():
    base, now = work(1000.0, 100), work(1150.0, 100)
    assert shifts(base, now) == ["FLOPs per sample: 1000 before, 1150 now (+15.0 %)"]
    assert shifts(base, base) == []
    assert shifts(account(), now) == []
