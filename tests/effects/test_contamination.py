"""Test that a stack does not change later launches, because each launch is a process of its own."""

from __future__ import annotations

import pytest
from observing import observe_once
from subjects import small_net

from traingate import layers

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    "others",
    [
        [layers.FlushDenormal()],
        [layers.Bf16Autocast()],
        [layers.TorchCompile()],
        [layers.IpexOptimize(), layers.XlaDevice()],
    ],
    ids=["flags", "autocast", "inductor", "IPEX and XLA"],
)
def test_plain_is_the_same_after_others_as_before(tmp_path_factory, others):
    def observe(*stack):
        return observe_once(stack, small_net, tmp_path_factory.mktemp("once"), profile=False)

    before = observe()
    for layer in others:
        observe(layer)
    after = observe()
    for plain in (before, after):
        assert {tuple(step["modules"]) for step in plain.steps[0]} == {()}
    assert before.record.environment == after.record.environment
    assert before.counters == after.counters
    assert before.losses == after.losses
