"""Test that each layer takes effect, by the operators, libraries, counters and state of a worker."""

from __future__ import annotations

import gzip
import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from observing import job_of, observe_once
from reading import calls, input_types, page_faults
from step_log import PROFILED_STEP
from subjects import (
    CHANNELS,
    PIXELS,
    dying_in_rank_one,
    eager_net,
    few_images_net,
    growing_images_net,
    large_net,
    small_net,
    tiny_images_net,
    with_adagrad,
    with_adam,
    with_rprop,
)

from long_cases import some_long
from traingate import layers
from traingate.controller.job import ProfilePlan
from traingate.controller.measure import measure
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up
from traingate.errors import ConfigurationError, WorkerDiedError
from traingate.host import shared_libraries
from traingate.host.cpu import physical_cores
from traingate.report.progress import NoProgress

TWO_RANKS = {
    "torchrun": layers.DataParallel("torchrun", 2),
    "ipexrun": layers.DataParallel("ipexrun", 2, ("--omp-runtime", "intel")),
}


def test_plain_is_a_bare_process_in_fp32(plain):
    assert plain.steps[0][-1]["modules"] == []
    assert input_types(plain, "mkldnn_convolution") == {"float"}
    assert "dynamo_graphs" not in plain.counters or plain.counters["dynamo_graphs"] == 0
    assert plain.record.environment["allocator"].startswith("libc.")
    assert plain.record.environment["openmp"].startswith("libgomp")


def test_bf16_autocast_convolves_in_bf16(observe):
    # Which operator computes it depends on the CPU: without AVX-512, it is none of oneDNN.
    assert "c10::BFloat16" in input_types(
        observe(layers.Bf16Autocast(), workload=tiny_images_net), "conv"
    )


def test_channels_last_copies_no_layout_inside_the_network(observe, plain):
    observation = observe(layers.ChannelsLast())
    channels, pixels = CHANNELS[1], PIXELS**2
    elements = channels * pixels
    assert observation.steps[0][-1]["inner_strides"] == [[elements, 1, PIXELS * channels, channels]]
    assert plain.steps[0][-1]["inner_strides"] == [[elements, pixels, PIXELS, 1]]
    # Only the forward pass is compared: in the backward pass, autograd copies the gradients of
    # weights into the layout of the weights.
    copies = [each.steps[0][PROFILED_STEP]["copies_in_forward"] for each in (observation, plain)]
    assert copies[0] == copies[1] is not None


def test_tcmalloc_serves_malloc_and_causes_fewer_page_faults(train):
    observation = train(layers.TunedRuntime("tcmalloc", "gnu"), workload=large_net)
    assert observation.record.environment["allocator"].startswith("libtcmalloc")
    assert observation.record.environment["openmp"].startswith("libgomp")
    assert page_faults(observation) < page_faults(train(workload=large_net))


@pytest.mark.long
def test_jemalloc_serves_malloc_with_its_variable(train):
    environment = train(layers.TunedRuntime("jemalloc", "gnu")).record.environment
    assert environment["allocator"].startswith("libjemalloc")
    assert "oversize_threshold" in environment["variables"]["MALLOC_CONF"]


def test_tuned_glibc_causes_fewer_page_faults_without_any_library(train):
    observation = train(layers.TunedRuntime("glibc", "gnu"), workload=large_net)
    assert observation.record.environment["allocator"].startswith("libc.")
    assert page_faults(observation) < page_faults(train(workload=large_net))


def test_intel_openmp_serves_the_parallel_regions(train):
    observation = train(layers.TunedRuntime("default", "intel"))
    assert observation.record.environment["openmp"].startswith("libiomp5")
    assert "compact" in observation.record.environment["variables"]["KMP_AFFINITY"]
    assert observation.counters["threads"] == len(physical_cores())


def test_an_allocator_that_does_not_serve_malloc_is_refused_with_the_package(monkeypatch, tmp_path):
    # The library to preload does not exist, so malloc comes from libc, as where LD_PRELOAD is ignored.
    monkeypatch.setattr(shared_libraries, "find_library", lambda _stem: Path("/does/not/exist.so"))
    layer = layers.TunedRuntime("jemalloc", "gnu")
    with pytest.raises(
        ConfigurationError, match=r"asked for jemalloc, and malloc comes from libc.*apt-get"
    ):
        observe_once([layer], small_net, tmp_path)


def test_ipex_runs_its_own_operators(observe):
    observation = observe(layers.IpexOptimize())
    assert calls(observation, "torch_ipex::") > 0
    assert "intel_extension_for_pytorch" in observation.steps[0][-1]["modules"]


@pytest.mark.parametrize("backend", ["inductor", "ipex"])
def test_a_compiled_model_is_one_graph_without_a_break(train, backend):
    counters = train(layers.TorchCompile(backend)).counters
    assert counters["dynamo_graphs"] == 1
    assert counters["dynamo_graph_breaks"] == 0
    assert counters["compilations_in_measured_steps"] == 0


@pytest.mark.long
def test_threads_of_the_compiler_that_wait_load_no_data(tmp_path):
    """With data workers, a turn has at least seven steps."""
    job = replace(job_of([layers.TorchCompile()], small_net, tmp_path, 2), compile_cache=tmp_path)
    with ExitStack() as exit_stack:
        worker = TrainingWorker(job, 1, NoProgress())
        worker.start(exit_stack)
        worker.request_preparation()
        worker.wait_until_prepared()
        warm_up(job, [worker])
        assert worker.data_workers == 0


def test_a_step_that_does_not_call_the_compiled_model_is_refused(train):
    with pytest.raises(ConfigurationError, match="torch_compile compiled nothing"):
        train(layers.TorchCompile(), workload=eager_net)


def test_a_compiled_step_has_a_region_for_the_optimizer(train):
    counters = train(layers.CompiledStep()).counters
    assert counters["dynamo_graphs"] == 2
    assert counters["dynamo_graph_breaks"] == 1  # by torch, at the start of optimizer.step
    assert counters["compilations_in_measured_steps"] == 0


def test_xla_compiles_before_the_measured_steps_and_never_during_them(train):
    observation = train(layers.XlaDevice())
    assert observation.counters["xla_compilations"] >= 1
    assert observation.counters["compilations_in_measured_steps"] == 0


@pytest.mark.long
def test_xla_moves_the_state_of_the_optimizer_with_the_parameters(train):
    observation = train(layers.XlaDevice(), workload=with_adagrad)
    assert observation.counters["compilations_in_measured_steps"] == 0
    losses = [step["loss"] for step in observation.steps[0]]
    assert losses[-1] != losses[0]


def test_a_compilation_by_xla_in_measured_steps_makes_the_launch_invalid(train):
    with pytest.raises(
        ConfigurationError, match=r"XLA compiled \d+ graphs inside the measured steps"
    ):
        train(layers.XlaDevice(), workload=growing_images_net)


@pytest.mark.parametrize("launcher", some_long(TWO_RANKS, ("torchrun",)))
def test_two_ranks_hold_equal_parameters_on_disjoint_cores(observe, launcher):
    observation = observe(layers.BatchSize(4), TWO_RANKS[launcher])
    first, second = observation.steps
    assert [step["parameters"] for step in first] == [step["parameters"] for step in second]
    assert first[0]["parameters"] != first[1]["parameters"]
    assert first[0]["loss"] != second[0]["loss"]  # each rank has its own samples
    assert not set(first[-1]["cores"]) & set(second[-1]["cores"])
    assert observation.record.batch_size == 8
    launch = observation.record.launches[0]
    assert len(launch.rank_step_seconds) == 2
    slowest = tuple(map(max, zip(*launch.rank_step_seconds, strict=True)))
    assert slowest == launch.step_seconds


@pytest.mark.long
def test_each_rank_keeps_its_trace(tmp_path):
    (tmp_path / "traces").mkdir()
    job = job_of([TWO_RANKS["torchrun"]], small_net, tmp_path, 2)
    job = replace(job, profile=ProfilePlan(1, folder=tmp_path / "traces"))
    measure(job, lambda _: True, NoProgress())
    names = ["candidate.rank1.trace.json.gz", "candidate.trace.json.gz"]
    assert sorted(file.name for file in (tmp_path / "traces").iterdir()) == names
    ranks = set()
    for name in names:
        trace = json.loads(gzip.decompress((tmp_path / "traces" / name).read_bytes()))
        ranks.add(trace["distributedInfo"]["rank"])
        assert any(event.get("name") == "aten::conv2d" for event in trace["traceEvents"])
    assert ranks == {0, 1}


def test_a_rank_that_dies_ends_the_launch_with_its_rank_and_log(train):
    with pytest.raises(WorkerDiedError) as caught:
        train(TWO_RANKS["torchrun"], workload=dying_in_rank_one)
    assert "rank 1 of launch 1 ended in step 2 of 5" in str(caught.value)
    assert "rank 1 is about to be killed" in str(caught.value)


@pytest.mark.long
def test_ranks_can_run_on_a_tuned_runtime(train):
    observation = train(layers.TunedRuntime("tcmalloc", "gnu"), TWO_RANKS["torchrun"])
    assert observation.record.environment["allocator"].startswith("libtcmalloc")
    assert not set(observation.steps[0][-1]["cores"]) & set(observation.steps[1][-1]["cores"])


def test_the_fused_optimizer_updates_in_one_kernel(observe, plain):
    assert calls(observe(layers.FusedOptimizer()), "_fused_sgd") > 0
    assert calls(plain, "_fused_sgd") == 0
    assert calls(observe(layers.FusedOptimizer(), workload=with_adam), "_fused_adamw") > 0


def test_an_optimizer_without_fused_form_is_refused(train):
    with pytest.raises(ConfigurationError, match="Rprop has no fused form"):
        train(layers.FusedOptimizer(), workload=with_rprop)


def test_denormal_numbers_are_flushed_in_every_thread(train, plain):
    assert train(layers.FlushDenormal()).steps[0][-1]["denormals"] == 0
    assert plain.steps[0][-1]["denormals"] == 1 << 20


def test_matrix_products_in_fp32_can_have_a_lower_precision(train, plain):
    observation = train(layers.Float32Precision())
    variables = observation.record.environment["variables"]
    if observation.record.environment["torch"].startswith("2.8."):
        assert variables["ONEDNN_DEFAULT_FPMATH_MODE"] == "BF16"
        precisions = ["medium", "highest"]
    else:
        assert "ONEDNN_DEFAULT_FPMATH_MODE" not in variables
        precisions = [["bf16", "bf16"], ["none", "none"]]  # of products, and of convolutions
    steps = (observation.steps[0][-1], plain.steps[0][-1])
    assert [step["fp32_precision"] for step in steps] == precisions


def test_prefetching_workers_persist_when_the_loader_starts_again(train):
    def worker_pids(layer):
        steps = train(layer, workload=few_images_net).steps[0]
        return {pid for step in steps for pid in step["children"]}

    assert len(worker_pids(layers.PrefetchingLoader(2))) == 2
    assert len(worker_pids(layers.DataWorkers(2))) > 2
