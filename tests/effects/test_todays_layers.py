"""Test the effects of the layers that the article lacks, as ``test_effects`` does of the others."""

from __future__ import annotations

import pytest
from reading import calls, input_types, page_faults
from subjects import deep_net, large_net, tiny_images_net, two_lengths_net, with_sparse_adam

from traingate import layers
from traingate.errors import ConfigurationError
from traingate.host.cpu import cache_groups, physical_cores

TWO_RANKS = layers.DataParallel("torchrun", 2)


def test_fp16_autocast_convolves_in_fp16_and_scales_the_loss(observe):
    observation = observe(layers.Fp16Autocast(), workload=tiny_images_net)
    plain = observe(workload=tiny_images_net)
    assert "c10::Half" in input_types(observation, "convolution")
    # The unscaled gradients update the parameters about as in fp32.
    assert observation.losses == pytest.approx(plain.losses, rel=0.02)
    assert observation.losses[-1] != observation.losses[0]


def test_the_foreach_optimizer_updates_all_parameters_in_one_call(observe, plain):
    assert calls(observe(layers.ForeachOptimizer()), "_foreach_add_") > 0
    assert calls(plain, "_foreach_add_") == 0


def test_an_optimizer_without_foreach_form_is_refused(train):
    with pytest.raises(ConfigurationError, match="SparseAdam has no foreach form"):
        train(layers.ForeachOptimizer(), workload=with_sparse_adam)


def test_large_tensors_get_huge_pages(train):
    layer = layers.HugePages()
    if layer.unavailable():
        pytest.skip(layer.unavailable())
    observation = train(layer, workload=large_net)
    assert observation.record.environment["variables"]["THP_MEM_ALLOC_ENABLE"] == "1"
    assert page_faults(observation) < page_faults(train(workload=large_net))


@pytest.mark.parametrize(
    "allocator", ["jemalloc-retain", pytest.param("mimalloc", marks=pytest.mark.long)]
)
def test_malloc_is_that_of_the_allocator(train, allocator):
    observation = train(layers.TunedRuntime(allocator, "gnu"), workload=large_net)
    library = f"lib{allocator.partition('-')[0]}"
    assert observation.record.environment["allocator"].startswith(library)


@pytest.mark.long
def test_jemalloc_that_keeps_memory_causes_fewer_page_faults(train):
    observation = train(layers.TunedRuntime("jemalloc-retain", "gnu"), workload=large_net)
    assert page_faults(observation) < page_faults(train(workload=large_net)) / 2


def test_checkpointed_blocks_are_computed_again_and_take_less_memory(observe):
    plain = observe(workload=deep_net, details=True)
    observation = observe(layers.GradientCheckpointing(), workload=deep_net, details=True)
    assert observation.losses == pytest.approx(plain.losses, rel=1e-4)
    forward_calls = [calls(each, "aten::conv2d") for each in (observation, plain)]
    assert forward_calls[0] == 2 * forward_calls[1] - 1  # the first is in no block
    # Plain keeps the activations of 13 convolutions; with checkpoints, those of one block and the ends of the others.
    assert max(observation.peak_bytes.values()) < 0.8 * max(plain.peak_bytes.values())


def test_a_module_that_is_not_there_cannot_be_checkpointed(train):
    with pytest.raises(ConfigurationError, match="has no module nothing"):
        train(layers.GradientCheckpointing(("nothing",)))


@pytest.mark.long
def test_one_dynamic_graph_serves_sequences_of_all_lengths(train):
    static = train(layers.TorchCompile(dynamic=False), workload=two_lengths_net)
    dynamic = train(layers.TorchCompile(dynamic=True), workload=two_lengths_net)
    assert static.counters["dynamo_graphs"] == 2
    assert dynamic.counters["dynamo_graphs"] == 1


@pytest.mark.long
def test_inductor_gets_its_options(train):
    wrapped = train(layers.TorchCompile(inductor_options={"cpp_wrapper": True}))
    assert wrapped.steps[0][-1]["cpp_wrappers"]
    assert not train(layers.TorchCompile()).steps[0][-1]["cpp_wrappers"]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.TorchCompile(mode="fastest"), "fastest"),
        (layers.TorchCompile(inductor_options={"speed": 1}), "speed"),
    ],
    ids=repr,
)
def test_what_torch_does_not_know_is_refused(train, layer, message):
    with pytest.raises(ConfigurationError, match=rf"torch_compile: .*{message}"):
        train(layer)


def test_ranks_average_gradients_with_the_last_of_several_batches_alone(observe):
    each = observe(layers.BatchSize(4), TWO_RANKS)
    layer = layers.DataParallel("torchrun", 2, accumulation=2)
    every_second = observe(layers.BatchSize(4), layer)
    first, second = every_second.steps
    assert [step["parameters"] for step in first] == [step["parameters"] for step in second]
    assert len({step["parameters"] for step in first}) < len(first)
    # A step with two batches has one update.
    assert calls(every_second, "allreduce") == calls(each, "allreduce")
    assert calls(every_second, "aten::conv2d") == 2 * calls(each, "aten::conv2d")


@pytest.mark.long
def test_gradients_are_averaged_in_buckets_of_the_chosen_size(observe):
    small = observe(layers.DataParallel("torchrun", 2, bucket_cap_mb=0.001))
    assert calls(small, "allreduce") > calls(observe(TWO_RANKS), "allreduce")


@pytest.mark.long
def test_ranks_run_on_the_cores_that_share_a_cache(train):
    groups = cache_groups(physical_cores())
    observation = train(layers.DataParallel("torchrun", "l3"))
    assert tuple(tuple(steps[-1]["cores"]) for steps in observation.steps) == groups


def test_the_roofline_is_that_of_the_precision(observe, plain):
    record = observe(layers.Bf16Autocast(), workload=tiny_images_net).record
    assert record.precision == "bfloat16"
    assert record.precision_speedup != 1.0
    assert (plain.record.precision, plain.record.precision_speedup) == ("float32", 1.0)
