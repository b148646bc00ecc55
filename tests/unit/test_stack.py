from dataclasses import dataclass

import pytest

from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers import BatchSize, Bf16Autocast, ChannelsLast, DataWorkers, TorchCompile
from traingate.layers.base import BaseLayer, Training
from traingate.layers.stack import Stack, rebuild
from traingate.records import LayerRecord, stack_label


@dataclass(frozen=True)
class Uncompiled(BaseLayer):
    """Layer of a user, which excludes torch_compile."""

    strength: int = 1
    name = "uncompiled"
    order = 450
    conflicts = frozenset({"torch_compile"})

    def apply(self, training: Training) -> None:
        training.batch_size *= self.strength


def test_layers_are_put_into_a_fixed_order():
    layers = [TorchCompile(), Bf16Autocast(), ChannelsLast(), DataWorkers(2), BatchSize(4)]
    expected = ["batch_size", "data_workers", "channels_last", "bf16_autocast", "torch_compile"]
    assert [layer.name for layer in Stack.of(layers).layers] == expected
    assert [layer.name for layer in Stack.of(reversed(layers)).layers] == expected


def test_conflict_names_both_layers_from_either_side():
    with pytest.raises(LayerConflictError, match="uncompiled and torch_compile exclude each other"):
        Stack.of([TorchCompile(), Uncompiled()])


def test_two_layers_of_the_same_name_are_refused():
    with pytest.raises(ConfigurationError, match="batch_size is in the stack twice"):
        Stack.of([BatchSize(4), BatchSize(8)])


@pytest.mark.parametrize("no_layer", ["channels_last", ChannelsLast, object()])
def test_an_object_that_is_no_layer_is_refused(no_layer):
    with pytest.raises(ConfigurationError, match="is no layer"):
        Stack.of([no_layer])


def test_label_shows_names_with_options():
    layers = [
        LayerRecord("batch_size", {"samples": 4}),
        LayerRecord("torch_compile", {"backend": "inductor", "mode": None}),
    ]
    assert stack_label([]) == "plain"
    assert stack_label(layers) == "batch_size(4) + torch_compile(inductor)"


def test_the_worker_rebuilds_equal_layers():
    stack = Stack.of([Uncompiled(3), BatchSize(4)])
    assert rebuild(stack.factories()) == [BatchSize(4), Uncompiled(3)]


@pytest.mark.parametrize("samples", [0, -1, 2.5, "8", True])
def test_batch_size_must_be_a_count(samples):
    with pytest.raises(ConfigurationError, match="batch_size takes a whole number of at least 1"):
        BatchSize(samples)


def test_the_smallest_counts_are_allowed():
    assert BatchSize(1).samples == 1
    assert DataWorkers(0).count == 0


def test_an_invalid_choice_is_refused_with_the_valid_ones():
    with pytest.raises(ConfigurationError, match="model_and_input, input, not 'output'"):
        ChannelsLast("output")
    with pytest.raises(ConfigurationError, match="inductor, ipex, not 'tensorrt'"):
        TorchCompile("tensorrt")
