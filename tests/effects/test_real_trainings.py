"""Test the examples of the documentation, plain and under the layers that act on their steps."""

from __future__ import annotations

import pytest
import real_trainings as examples

from traingate import layers
from traingate.errors import ConfigurationError

TWO_RANKS = layers.DataParallel("torchrun", 2)
EXAMPLES = (
    pytest.param(examples.classifier, marks=pytest.mark.long),
    examples.lbfgs,
    pytest.param(examples.lbfgs_with_penalty, marks=pytest.mark.long),
    examples.gan,
    pytest.param(examples.accumulating, marks=pytest.mark.long),
    pytest.param(examples.scheduled_and_clipped, marks=pytest.mark.long),
    examples.scaled,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.__name__)
def test_an_example_trains(train, example):
    steps = train(workload=example).steps[0]
    assert len({step["parameters"] for step in steps}) == len(steps)


@pytest.mark.parametrize(
    ("example", "layer"),
    [
        pytest.param(examples.lbfgs, layers.TorchCompile(), marks=pytest.mark.long),
        pytest.param(examples.gan, layers.CompiledStep(), marks=pytest.mark.long),
        pytest.param(examples.gan, layers.XlaDevice(), marks=pytest.mark.long),
        pytest.param(examples.accumulating, layers.IpexOptimize(), marks=pytest.mark.long),
        pytest.param(examples.scheduled_and_clipped, layers.CompiledStep(), marks=pytest.mark.long),
        (examples.scaled, layers.FusedOptimizer()),
    ],
    ids=lambda value: getattr(value, "name", None) or value.__name__,
)
def test_a_layer_trains_an_example_like_plain(train, example, layer):
    losses = train(layer, workload=example).losses
    if layer.name == "xla_device" and example is examples.gan:  # its noise is another
        assert losses == pytest.approx(train(workload=example).losses, rel=0.2)
    else:
        assert losses == pytest.approx(train(workload=example).losses, rel=1e-3)


@pytest.mark.parametrize(
    "example",
    [examples.gan, pytest.param(examples.scaled, marks=pytest.mark.long)],
    ids=lambda each: each.__name__,
)
def test_autocast_acts_on_the_forward_of_an_own_step(observe, example):
    operators = observe(layers.Bf16Autocast(), workload=example).operators
    types = {
        kind for name, row in operators.items() if "linear" in name for kind in row["input_types"]
    }
    assert "c10::BFloat16" in types


@pytest.mark.parametrize(
    "example",
    [examples.gan, pytest.param(examples.accumulating, marks=pytest.mark.long)],
    ids=lambda each: each.__name__,
)
def test_ranks_average_the_gradients_of_an_own_step(train, example):
    first, second = train(TWO_RANKS, workload=example).steps
    assert [step["parameters"] for step in first] == [step["parameters"] for step in second]
    assert first[0]["loss"] != second[0]["loss"]


@pytest.mark.parametrize(
    ("example", "layer", "reason"),
    [
        pytest.param(
            examples.lbfgs,
            TWO_RANKS,
            "its closure another number of times",
            marks=pytest.mark.long,
        ),
        (examples.lbfgs_with_penalty, layers.CompiledStep(), "cannot compile an update that calls"),
        pytest.param(
            examples.lbfgs, layers.XlaDevice(), "XLA runs a step at its end", marks=pytest.mark.long
        ),
        (examples.gan, layers.CompiledStep("one"), "cannot compile a workload's own step as one"),
    ],
    ids=["ranks", "compiled", "xla", "one-region"],
)
def test_a_layer_that_cannot_act_on_an_example_is_refused(train, example, layer, reason):
    with pytest.raises(ConfigurationError, match=reason):
        train(layer, workload=example)
