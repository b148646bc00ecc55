"""Axes of a race whose choices say the same, or of which only one can run."""

from __future__ import annotations

import pytest

from traingate.errors import ConfigurationError
from traingate.layers import BatchSize, Bf16Autocast, IpexOptimize, TorchCompile, TunedRuntime
from traingate.races.default_space import make_space
from traingate.races.space import Axis, Choice
from traingate.races.space_file import read_space
from traingate.races.wishes import Wishes
from traingate.tuning.requested_space import without_size_of_plain


def _possible(_layer):
    return None


def _stacks(space):
    return [space.identity(point) for point in space.points]


NARROW = ("allocator", "openmp", "cores", "huge_pages", "loading")


@pytest.mark.parametrize(
    ("test_layers", "wishes"),
    [
        ([IpexOptimize()], Wishes(without=NARROW)),
        ([IpexOptimize(), Bf16Autocast()], Wishes(without=NARROW)),
        ([], Wishes(allowed=("torch_compile", "fused_optimizer"), without=NARROW)),
        ([BatchSize(8)], Wishes(batch_sizes=(4, 8), without=NARROW)),
        ([TorchCompile()], Wishes(without=NARROW)),
        ([TunedRuntime(hyperthreads=True)], Wishes(without=("compiler", "optimizer", "loading"))),
    ],
)
def test_no_stack_takes_part_under_two_names(test_layers, wishes):
    space, _ = make_space(test_layers, wishes, _possible)
    stacks = _stacks(space)
    assert len(set(stacks)) == len(stacks) > 1


def test_the_batch_size_that_the_workload_has_anyway_is_no_choice():
    space, _ = make_space([], Wishes(batch_sizes=(4, 8)), _possible)
    (axis,) = [axis for axis in without_size_of_plain(space, 8).axes if axis.name == "batch_size"]
    assert [choice.label for choice in axis.choices] == ["as in the test", "4"]


AXES = """
[axes]
precision = ["bf16_autocast"]
compiler = ["none", "torch_compile"]
environment = ["nightly"]
"""


@pytest.mark.parametrize("test_layers", [[], [Bf16Autocast()]])
def test_the_only_choice_of_an_axis_belongs_to_all_candidates(tmp_path, test_layers):
    (tmp_path / "space.toml").write_text(AXES)
    axes, kinds = read_space(tmp_path / "space.toml")
    space, _ = make_space(test_layers, Wishes(axes=axes, kinds=kinds), _possible)
    assert space.size == 2
    for point in space.points:
        assert "bf16_autocast" in space.stack(point).names
        assert space.environment(point) == "nightly"
    assert space.labels(space.plain) == {}


def test_a_default_that_cannot_run_is_refused_with_the_reason():
    def find_obstacle(layer):
        return "no such library" if getattr(layer, "allocator", "") == "tcmalloc" else None

    choices = [
        Choice(name, {"tuned_runtime": {"allocator": name}}) for name in ("tcmalloc", "glibc")
    ]
    axes = (Axis("allocator", tuple(choices)),)
    with pytest.raises(ConfigurationError, match="allocator: tcmalloc: no such library"):
        make_space([], Wishes(axes=axes), find_obstacle)


def test_choices_that_differ_in_one_option_have_other_labels(tmp_path):
    path = tmp_path / "space.toml"
    path.write_text(
        "[axes]\n"
        "loading = ['none', {prefetching_loader = {workers = 2}}, {prefetching_loader = {batches = 2}}]\n"
    )
    ((axis,), _) = read_space(path)
    labels = [choice.label for choice in axis.choices]
    assert labels == ["none", "prefetching_loader(2)", "prefetching_loader(batches=2)"]


def test_options_that_switch_something_off_are_part_of_a_label():
    test_layers = [TorchCompile("ipex", dynamic=False)]
    space, _ = make_space(test_layers, Wishes(), _possible)
    labels = space.labels_by_axis["compiler"]
    assert "torch_compile(ipex, False)" in labels
    assert len(set(labels)) == len(labels)
