"""No stack leaves a trace in the next: each launch is a process of its own.

The module lists, the variables and libraries of the process, and the counters are the firm part.
The times are compared as far as the machine allows: how far, the test prints.
"""

from __future__ import annotations

from observing import observe_once
from subjects import small_net

from traingate import layers
from traingate.gate.statistics import log_step_times, two_sample_difference, yardstick_unit

LAUNCHES = 4
STEPS = 20
ERROR = 0.0005  # that one of the two bounds is wrong though nothing has changed


def test_plain_is_the_same_after_ipex_xla_and_inductor_as_before(tmp_path):
    def observed(name, *stack, launches=1):
        directory = tmp_path / name
        directory.mkdir()
        return observe_once(stack, small_net, directory, launches, STEPS)

    before = observed("before", launches=LAUNCHES)
    for layer in (layers.IpexOptimize(), layers.XlaDevice(), layers.TorchCompile()):
        observed(layer.name, layer)
    after = observed("after", launches=LAUNCHES)
    for plain in (before, after):
        assert {tuple(step["modules"]) for step in plain.steps[0]} == {()}
    assert before.record.environment == after.record.environment
    assert before.counters == after.counters
    both = [plain.record.launches for plain in (before, after)]
    unit = yardstick_unit([*both[0], *both[1]])
    change = two_sample_difference(*(log_step_times(launches, unit) for launches in both))
    low, high = change.lower(ERROR), change.upper(ERROR)
    print(f"log(after / before): {change.value:+.3f}, {low:+.3f} to {high:+.3f}")
    assert low <= 0 <= high
