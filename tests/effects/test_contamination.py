"""Test that a stack does not change later launches, because each launch is a process of its own.

Modules, variables and libraries of the process, and counters must be equal. Step times must be equal
within an interval, which the test prints.
"""

from __future__ import annotations

from observing import observe_once
from subjects import small_net

from traingate import layers
from traingate.gate.reduction import launches_change

LAUNCHES = 4
STEPS = 20
ERROR = 0.0005  # probability that one of the two bounds is wrong although nothing has changed


def test_plain_is_the_same_after_ipex_xla_and_inductor_as_before(tmp_path):
    def observe(name, *stack, launches=1):
        directory = tmp_path / name
        directory.mkdir()
        return observe_once(stack, small_net, directory, launches=launches, steps=STEPS)

    before = observe("before", launches=LAUNCHES)
    for layer in (layers.IpexOptimize(), layers.XlaDevice(), layers.TorchCompile()):
        observe(layer.name, layer)
    after = observe("after", launches=LAUNCHES)
    for plain in (before, after):
        assert {tuple(step["modules"]) for step in plain.steps[0]} == {()}
    assert before.record.environment == after.record.environment
    assert before.counters == after.counters
    old, new = before.record.launches, after.record.launches
    change = launches_change(old, new).repeatable
    low, high = change.lower(ERROR), change.upper(ERROR)
    print(f"log(after / before): {change.value:+.3f}, {low:+.3f} to {high:+.3f}")
    assert low <= 0 <= high
