"""The space of a race: default axes, wishes and conflicts."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from traingate import BaseLayer
from traingate.errors import ConfigurationError
from traingate.layers import BatchSize, Bf16Autocast, DataWorkers, TorchCompile, TunedRuntime
from traingate.races import machine_choices
from traingate.races.default_space import make_space
from traingate.races.failures import closed_choices
from traingate.races.space import Axis, Choice, Space
from traingate.races.wishes import Wishes


def _possible(_layer):
    return None


def _axis(space, name):
    return next(axis for axis in space.axes if axis.name == name)


def _labels(space, name):
    return [choice.label for choice in _axis(space, name).choices]


@dataclass(frozen=True)
class Own(BaseLayer):
    name = "own"
    order = 120

    def apply(self, training):
        pass


def test_by_default_no_layer_changes_the_mathematics():
    space, left_out = make_space([], Wishes(), _possible)
    assert not left_out
    for point in random.Random(0).sample(list(space.pool([], random.Random(0))), 200):
        layers = space.stack(point).layers
        assert all(layer.mathematics is None or layer.name == "ipex_optimize" for layer in layers)
    assert space.stack(space.plain).layers == ()


def test_a_layer_with_the_same_options_is_made_once():
    """Some read files of the system when they are made, and a space has thousands of stacks."""
    space, _ = make_space([], Wishes(), _possible)
    stacks = [space.stack(point) for point in space.pool([], random.Random(0))[:300]]
    layers = [layer for stack in stacks for layer in stack.layers]
    made = {id(layer) for layer in layers}
    assert len(made) == len({(layer.name, str(layer.options)) for layer in layers}) < len(layers)


def test_layers_of_the_test_that_change_the_mathematics_belong_to_all_candidates():
    test_layers = [BatchSize(16), Bf16Autocast(), Own()]
    space, _ = make_space(test_layers, Wishes(), _possible)
    assert {layer.name for layer in space.fixed} == {"batch_size", "bf16_autocast", "own"}
    for point in space.pool([], random.Random(1))[:50]:
        assert space.stack(point).names >= {"batch_size", "bf16_autocast", "own"}


def test_a_layer_that_is_allowed_is_a_choice_even_if_the_test_has_it():
    space, _ = make_space([Bf16Autocast()], Wishes(allowed=("bf16_autocast",)), _possible)
    assert _labels(space, "bf16_autocast") == ["none", "bf16_autocast"]
    assert not space.fixed


def test_options_of_the_tests_own_layers_are_choices_too():
    test_layers = [TorchCompile(mode="max-autotune-no-cudagraphs"), DataWorkers(3)]
    space, _ = make_space(test_layers, Wishes(), _possible)
    assert "torch_compile(inductor, max-autotune-no-cudagraphs)" in _labels(space, "compiler")
    assert "data_workers(3)" in _labels(space, "loading")


def test_wishes_widen_and_narrow_the_space():
    wishes = Wishes(
        allowed=("data_parallel",),
        without=("compiler", "foreach_optimizer"),
        batch_sizes=(2, 4),
        workers=(0, 2),
        environments=("nightly",),
    )
    space, _ = make_space([BatchSize(8)], wishes, _possible)
    names = {axis.name for axis in space.axes}
    assert "compiler" not in names
    assert "loading" not in names
    assert _labels(space, "optimizer") == ["none", "fused_optimizer"]
    assert _labels(space, "batch_size") == ["as in the test", "2", "4"]
    assert _labels(space, "workers") == ["as in the test", "0 workers", "2 workers"]
    point = space.point({"environment": "nightly", "batch_size": "4"})
    assert space.environment(point) == "nightly"
    assert next(iter(space.stack(point).layers)).samples == 4
    assert next(iter(space.stack(space.plain).layers)).samples == 8


def test_choices_that_cannot_run_here_are_left_out_with_the_reason():
    def find_obstacle(layer):
        return "not installed" if layer.name == "xla_device" else None

    space, left_out = make_space([], Wishes(), find_obstacle)
    assert left_out == {"compiler: xla_device": "not installed"}
    assert "xla_device" not in _labels(space, "compiler")


def test_choices_of_one_layer_on_several_axes_are_merged():
    space, _ = make_space([], Wishes(), _possible)
    stack = space.stack(space.point({"allocator": "glibc", "openmp": "intel"}))
    (layer,) = stack.layers
    assert (layer.allocator, layer.openmp) == ("glibc", "intel")


def test_a_runtime_binds_its_cores_in_any_case():
    space, _ = make_space([], Wishes(), _possible)
    assert not space.is_valid(space.point({"allocator": "glibc"}))
    both = space.point({"allocator": "glibc", "cores": "bound"})
    assert space.is_valid(both)
    variants = space.without_each_choice(both)
    assert variants == {"allocator": space.point({"cores": "bound"})}


def test_no_two_candidates_of_one_runtime_have_the_same_stack():
    wishes = Wishes(without=("compiler", "optimizer", "loading", "huge_pages"), fewer_cores=True)
    space, _ = make_space([], wishes, _possible)
    stacks = [repr(space.stack(point).factories()) for point in space.points]
    assert len(set(stacks)) == len(stacks)


def test_parts_of_the_cores_that_are_the_same_are_one_choice(monkeypatch):
    cores, node = tuple(range(8)), (0, 1, 2, 3)
    monkeypatch.setattr(
        machine_choices,
        "physical_cores",
        lambda node_number=None: cores if node_number is None else node,
    )
    monkeypatch.setattr(machine_choices, "logical_cores", lambda: cores)
    monkeypatch.setattr(machine_choices, "cache_groups", lambda _: (node, (4, 5, 6, 7)))
    monkeypatch.setattr(
        machine_choices, "numa_nodes", lambda: {0: frozenset(node), 1: frozenset({4, 5, 6, 7})}
    )
    labels = [choice.label for choice in machine_choices.core_choices(fewer=True)]
    assert labels == ["bound", "one node"]


def test_layers_of_the_test_that_no_axis_has_belong_to_all_candidates():
    axes = (Axis("compiler", (Choice("none"), Choice("compiled", {"torch_compile": {}}))),)
    test_layers = [DataWorkers(3), TorchCompile()]
    space, _ = make_space(test_layers, Wishes(axes=axes), _possible)
    assert space.fixed == (DataWorkers(3),)
    assert space.stack(space.plain).names == {"data_workers"}


def test_as_in_the_test_is_what_the_test_has():
    test_layers = [DataWorkers(3), TunedRuntime(cores="0")]
    space, _ = make_space(test_layers, Wishes(workers=(0,)), _possible)
    (workers,) = space.stack(space.plain).layers
    assert workers == DataWorkers(3)
    runtime = space.point({"cores": "as in the test", "workers": "0 workers"})
    assert {layer.name: dict(layer.options) for layer in space.stack(runtime).layers} == {
        "data_workers": dict(DataWorkers(0).options),
        "tuned_runtime": dict(TunedRuntime(allocator="default", openmp="gnu", cores="0").options),
    }


def test_numbers_are_wished_by_their_own_options():
    with pytest.raises(ConfigurationError, match="--batch-size"):
        make_space([BatchSize(8)], Wishes(allowed=("batch_size",)), _possible)


def test_an_axis_of_the_file_and_of_an_option_collide():
    axes = (Axis("environment", (Choice("as needed"), Choice("nightly", environment="nightly"))),)
    with pytest.raises(ConfigurationError, match="leave out --environment"):
        make_space([], Wishes(axes=axes, environments=("other",)), _possible)


def test_what_no_environment_can_run_is_no_candidate():
    def can_run(stack, environment):
        return "torch_compile" not in stack.names or environment is None

    wishes = Wishes(environments=("nightly", "nightly"))
    space, _ = make_space([], wishes, _possible, can_run)
    labels = {"compiler": "torch_compile", "environment": "nightly"}
    assert not space.is_valid(space.point(labels))
    assert space.is_valid(space.point({"environment": "nightly"}))


def test_the_environment_of_the_test_is_that_of_candidates_that_ask_for_none():
    space, _ = make_space([], Wishes(environments=("other",)), _possible, environment="nightly")
    assert space.environment(space.plain) == "nightly"
    assert space.environment(space.point({"environment": "other"})) == "other"


def test_choices_that_exclude_the_layers_of_the_test_are_refused():
    axes = (Axis("device", (Choice("none"), Choice("xla", {"xla_device": {}}))),)
    with pytest.raises(ConfigurationError, match="combined with bf16_autocast"):
        make_space([Bf16Autocast()], Wishes(axes=axes), _possible)


def test_candidates_whose_layers_exclude_each_other_are_none():
    space, _ = make_space([], Wishes(), _possible)
    assert not space.is_valid(
        space.point({"compiler": "xla_device", "channels_last": "channels_last"})
    )


@pytest.mark.parametrize(
    "wishes", [Wishes(allowed=("no_layer",)), Wishes(without=("no_axis",)), Wishes(axes=())]
)
def test_nonsense_is_refused(wishes):
    with pytest.raises(ConfigurationError):
        make_space([], wishes, _possible)


def test_a_choice_that_exists_not_is_no_candidate():
    space, _ = make_space([], Wishes(), _possible)
    with pytest.raises(ConfigurationError, match="no choice"):
        space.point({"openmp": "other"})
    with pytest.raises(ConfigurationError, match="no axis"):
        space.point({"other": "gnu"})


def test_a_large_space_offers_the_neighbours_of_the_best():
    axes = tuple(
        Axis(f"axis {number}", tuple(Choice(f"{index}") for index in range(8)))
        for number in range(8)
    )
    space = Space(axes, {})
    best = (3,) * 8
    pool = set(space.pool([best], random.Random(0)))
    assert len(pool) < 10_000 < space.size
    for axis in range(8):
        for index in range(8):
            assert (*best[:axis], index, *best[axis + 1 :]) in pool


def test_only_the_choice_that_all_failures_need_is_blamed():
    succeeded = [(0, 0), (1, 0)]
    assert closed_choices([(0, 1), (1, 1)], succeeded) == {(1, 1)}
    assert closed_choices([(0, 1)], succeeded) == set()
    # The choice (0, 2) has failed with (1, 1) and (1, 2) alone, which fail with others too.
    failed = [(2, 1), (0, 1), (1, 1), (2, 2), (0, 2), (1, 2)]
    assert closed_choices(failed, succeeded) == {(1, 1), (1, 2)}
