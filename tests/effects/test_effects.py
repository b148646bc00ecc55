"""Each layer takes effect: seen in operators, libraries, counters and state of a real worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from observing import observe_once
from subjects import (
    CHANNELS,
    PIXELS,
    brief_net,
    dying_in_rank_one,
    eager_net,
    growing_net,
    large_net,
    small_net,
    with_adagrad,
    with_adam,
    with_rprop,
)

from traingate import layers
from traingate.errors import ConfigurationError, WorkerDiedError
from traingate.host import shared_libraries
from traingate.host.cpu import physical_cores

TWO_RANKS = {
    "torchrun": layers.DataParallel("torchrun", 2),
    "ipexrun": layers.DataParallel("ipexrun", 2, ("--omp-runtime", "intel")),
}


def calls(observed, name: str) -> float:
    """Calls per step of the operators whose name contains ``name``."""
    rows = observed.operators.items()
    return sum(row["calls_per_step"] for operator, row in rows if name in operator)


def input_types(observed, name: str) -> set[str]:
    return {
        kind
        for key, row in observed.operators.items()
        if name in key
        for kind in row["input_types"]
    }


def test_plain_is_a_bare_process_in_fp32(plain):
    assert plain.steps[0][-1]["modules"] == []
    assert input_types(plain, "mkldnn_convolution") == {"float"}
    assert "dynamo_graphs" not in plain.counters or plain.counters["dynamo_graphs"] == 0
    assert plain.record.environment["allocator"].startswith("libc.")
    assert plain.record.environment["openmp"].startswith("libgomp")


def test_bf16_autocast_convolves_in_bf16(observe):
    assert "c10::BFloat16" in input_types(observe(layers.Bf16Autocast()), "mkldnn_convolution")


def test_channels_last_copies_no_layout_inside_the_network(observe, plain):
    observed = observe(layers.ChannelsLast())
    channels, pixels = CHANNELS[1], PIXELS**2
    whole = channels * pixels
    assert observed.steps[0][-1]["inner_strides"] == [[whole, 1, PIXELS * channels, channels]]
    assert plain.steps[0][-1]["inner_strides"] == [[whole, pixels, PIXELS, 1]]
    # In the backward pass autograd copies gradients of weights into the layout of the weights.
    assert observed.steps[0][3]["copies_in_forward"] == plain.steps[0][3]["copies_in_forward"]


def page_faults(observed) -> float:
    return observed.record.launches[0].minor_page_faults_per_step


def test_tcmalloc_serves_and_saves_page_faults(observe):
    observed = observe(layers.TunedRuntime("tcmalloc", "gnu"), workload=large_net)
    assert observed.record.environment["allocator"].startswith("libtcmalloc")
    assert observed.record.environment["openmp"].startswith("libgomp")
    assert page_faults(observed) < page_faults(observe(workload=large_net))


def test_jemalloc_serves_with_its_variable(observe):
    environment = observe(layers.TunedRuntime("jemalloc", "gnu")).record.environment
    assert environment["allocator"].startswith("libjemalloc")
    assert "oversize_threshold" in environment["variables"]["MALLOC_CONF"]


def test_tuned_glibc_saves_page_faults_without_any_library(observe):
    observed = observe(layers.TunedRuntime("glibc", "gnu"), workload=large_net)
    assert observed.record.environment["allocator"].startswith("libc.")
    assert page_faults(observed) < page_faults(observe(workload=large_net))


def test_intel_openmp_serves_the_parallel_regions(observe):
    observed = observe(layers.TunedRuntime("default", "intel"))
    assert observed.record.environment["openmp"].startswith("libiomp5")
    assert "compact" in observed.record.environment["variables"]["KMP_AFFINITY"]
    assert observed.counters["threads"] == len(physical_cores())


def test_a_runtime_that_was_not_got_is_refused_with_the_package(monkeypatch, tmp_path):
    # The library is found, and then another one preloaded: as where LD_PRELOAD is passed over.
    monkeypatch.setattr(shared_libraries, "find_library", lambda _stem: Path("/does/not/exist.so"))
    layer = layers.TunedRuntime("jemalloc", "gnu")
    with pytest.raises(
        ConfigurationError, match=r"asked for jemalloc, and malloc comes from libc.*apt-get"
    ):
        observe_once([layer], small_net, tmp_path)


def test_ipex_brings_its_operators_and_only_where_asked(observe):
    observed = observe(layers.IpexOptimize())
    assert calls(observed, "torch_ipex::") > 0
    assert "intel_extension_for_pytorch" in observed.steps[0][-1]["modules"]


@pytest.mark.parametrize("backend", ["inductor", "ipex"])
def test_a_compiled_model_is_one_graph_without_a_break(observe, backend):
    counters = observe(layers.TorchCompile(backend)).counters
    assert counters["dynamo_graphs"] == 1
    assert counters["dynamo_graph_breaks"] == 0
    assert counters["compilations_in_measured_steps"] == 0


def test_a_step_that_goes_past_the_compiled_model_is_refused(observe):
    with pytest.raises(ConfigurationError, match="torch_compile compiled nothing"):
        observe(layers.TorchCompile(), workload=eager_net)


def test_a_compiled_step_has_a_region_for_the_optimizer(observe):
    counters = observe(layers.CompiledStep()).counters
    assert counters["dynamo_graphs"] == 2
    assert counters["dynamo_graph_breaks"] == 1  # torch's own, at the head of optimizer.step
    assert counters["compilations_in_measured_steps"] == 0


def test_xla_compiles_before_the_measured_steps_and_never_during_them(observe):
    observed = observe(layers.XlaDevice())
    assert observed.counters["xla_compilations"] >= 1
    assert observed.counters["compilations_in_measured_steps"] == 0


def test_xla_takes_what_the_optimizer_keeps_with_the_parameters(observe):
    observed = observe(layers.XlaDevice(), workload=with_adagrad)
    assert observed.counters["compilations_in_measured_steps"] == 0
    losses = [step["loss"] for step in observed.steps[0]]
    assert losses[-1] != losses[0]


def test_a_compilation_by_xla_in_measured_steps_makes_the_launch_invalid(observe):
    with pytest.raises(
        ConfigurationError, match=r"XLA compiled \d+ graphs inside the measured steps"
    ):
        observe(layers.XlaDevice(), workload=growing_net)


@pytest.mark.parametrize("launcher", TWO_RANKS)
def test_two_ranks_hold_equal_parameters_on_disjoint_cores(observe, launcher):
    observed = observe(layers.BatchSize(4), TWO_RANKS[launcher])
    first, second = observed.steps
    assert [step["parameters"] for step in first] == [step["parameters"] for step in second]
    assert first[0]["parameters"] != first[1]["parameters"]
    assert first[0]["loss"] != second[0]["loss"]  # each has samples of its own
    assert not set(first[-1]["cores"]) & set(second[-1]["cores"])
    assert observed.record.batch_size == 8
    launch = observed.record.launches[0]
    assert len(launch.rank_step_seconds) == 2
    slowest = tuple(map(max, zip(*launch.rank_step_seconds, strict=True)))
    assert slowest == launch.step_seconds


def test_a_rank_that_dies_ends_the_launch_with_its_rank_and_log(observe):
    with pytest.raises(WorkerDiedError) as caught:
        observe(TWO_RANKS["torchrun"], workload=dying_in_rank_one)
    assert "rank 1 of launch 1 ended in step 2 of 5" in str(caught.value)
    assert "rank 1 is about to be killed" in str(caught.value)


def test_ranks_can_run_on_a_tuned_runtime(observe):
    observed = observe(layers.TunedRuntime("tcmalloc", "gnu"), TWO_RANKS["torchrun"])
    assert observed.record.environment["allocator"].startswith("libtcmalloc")
    assert not set(observed.steps[0][-1]["cores"]) & set(observed.steps[1][-1]["cores"])


def test_the_fused_optimizer_updates_in_one_kernel(observe, plain):
    assert calls(observe(layers.FusedOptimizer()), "_fused_sgd") > 0
    assert calls(plain, "_fused_sgd") == 0
    assert calls(observe(layers.FusedOptimizer(), workload=with_adam), "_fused_adamw") > 0


def test_an_optimizer_without_fused_form_is_refused(observe):
    with pytest.raises(ConfigurationError, match="Rprop has no fused form"):
        observe(layers.FusedOptimizer(), workload=with_rprop)


def test_denormal_numbers_are_flushed_in_every_thread(observe, plain):
    assert observe(layers.FlushDenormal()).steps[0][-1]["denormals"] == 0
    assert plain.steps[0][-1]["denormals"] == 1 << 20


def test_fp32_products_may_be_shortened(observe, plain):
    observed = observe(layers.Float32Precision())
    assert observed.record.environment["variables"]["ONEDNN_DEFAULT_FPMATH_MODE"] == "BF16"
    assert observed.steps[0][-1]["matmul_precision"] == "medium"
    assert plain.steps[0][-1]["matmul_precision"] == "highest"


def test_prefetching_workers_live_on_when_the_data_begin_again(observe):
    def workers(layer):
        steps = observe(layer, workload=brief_net).steps[0]
        return {pid for step in steps for pid in step["children"]}

    assert len(workers(layers.PrefetchingLoader(2))) == 2
    assert len(workers(layers.DataWorkers(2))) > 2
