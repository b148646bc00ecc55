"""Test the checks of layers in pytest's process; tests/effects has their effects in workers."""

import json

import pytest

from traingate import layers
from traingate.errors import ConfigurationError, LayerConflictError
from traingate.layers import compiler, distributed, ipex, runtime, xla
from traingate.layers.stack import Stack, rebuild


@pytest.mark.parametrize(
    ("layer", "module", "package"),
    [
        (layers.IpexOptimize(), ipex, "pytest-traingate[ipex]"),
        (layers.TorchCompile("ipex"), ipex, "pytest-traingate[ipex]"),
        (layers.XlaDevice(), xla, "pytest-traingate[xla]"),
    ],
)
def test_missing_packages_are_named(monkeypatch, layer, module, package):
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    assert package in layer.unavailable()


@pytest.mark.parametrize("layer", [layers.IpexOptimize(), layers.XlaDevice()])
def test_an_extension_for_another_torch_is_unavailable(monkeypatch, layer):
    monkeypatch.setattr(ipex, "find_spec", lambda _name: True)
    monkeypatch.setattr(xla, "find_spec", lambda _name: True)
    monkeypatch.setattr("traingate.host.packages.metadata.requires", lambda _name: None)
    versions = {"torch": "2.10.0", "intel-extension-for-pytorch": "2.8.0", "torch-xla": "2.8.1"}
    monkeypatch.setattr("traingate.host.packages.version", versions.get)
    assert "is made for torch 2.8 and will not load with 2.10.0: pip install" in layer.unavailable()


def test_inductor_needs_the_headers_of_python(monkeypatch, tmp_path):
    assert layers.TorchCompile().unavailable() is None
    monkeypatch.setattr(compiler.sysconfig, "get_path", lambda _kind: str(tmp_path))
    assert layers.TorchCompile().unavailable().endswith("apt-get install python3-dev")


@pytest.mark.parametrize(
    ("layer", "package"),
    [
        (layers.TunedRuntime("tcmalloc", "gnu"), "google-perftools"),
        (layers.TunedRuntime("jemalloc", "gnu"), "libjemalloc2"),
        (layers.TunedRuntime("default", "intel"), "pytest-traingate[runtime]"),
    ],
)
def test_missing_libraries_are_named(monkeypatch, layer, package):
    monkeypatch.setattr(runtime.shared_libraries, "find_library", lambda _stem: None)
    assert package in layer.unavailable()


def test_without_any_library_the_runtime_is_that_of_glibc(monkeypatch):
    monkeypatch.setattr(runtime.shared_libraries, "find_library", lambda _stem: None)
    layer = layers.TunedRuntime()
    assert (layer.allocator, layer.openmp) == ("glibc", "gnu")
    assert layer.unavailable() is None
    assert layer.process().environment["MALLOC_MMAP_MAX_"] == "0"


def test_missing_intel_mpi_and_missing_cores_are_named(monkeypatch):
    monkeypatch.setattr(distributed, "find_program", lambda _name: None)
    assert "pytest-traingate[distributed]" in layers.DataParallel("ipexrun", 1).unavailable()
    monkeypatch.setattr(distributed, "physical_cores", lambda: (0,))
    assert "need as many physical cores" in layers.DataParallel("torchrun", 2).unavailable()
    assert layers.DataParallel("torchrun", 1).unavailable() is None


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (layers.Bf16Autocast(), "autocast is ignored on XLA's CPU device"),
        (layers.ChannelsLast(), "XLA chooses the layout"),
        (layers.TorchCompile(), "XLA compiles the whole step"),
        (layers.FusedOptimizer(), "has no fused one"),
    ],
)
def test_layers_that_have_no_effect_on_xla_are_refused_with_the_reason(other, reason):
    with pytest.raises(LayerConflictError, match=f"exclude each other: .*{reason}"):
        Stack.of([other, layers.XlaDevice()])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.TunedRuntime("hoard"), "takes an allocator out of tcmalloc, jemalloc"),
        (
            lambda: layers.TunedRuntime("default", "llvm"),
            "takes an OpenMP runtime out of intel, gnu",
        ),
        (lambda: layers.TunedRuntime("default", "gnu", "all"), "takes cores such as '0-3,8'"),
        (lambda: layers.DataParallel("slurm"), "takes a launcher out of torchrun, ipexrun"),
        (lambda: layers.DataParallel("torchrun", 0), "whole number of ranks"),
        (lambda: layers.DataParallel("torchrun", 1, "--nnodes=2"), "arguments as a list"),
        (lambda: layers.Float32Precision("fp8"), "takes one of bf16, tf32"),
        (lambda: layers.CompiledStep("three"), "takes one of two, one"),
        (lambda: layers.PrefetchingLoader(0), "whole number of at least 1"),
        (lambda: layers.DataParallel("torchrun", "l2"), "or 'l3', not 'l2'"),
        (lambda: layers.DataParallel("ipexrun", "l3"), "takes the launcher torchrun"),
        (lambda: layers.DataParallel("torchrun", 1, accumulation=0), "number of batches"),
        (lambda: layers.TorchCompile("ipex", mode="max-autotune"), "ipex ignores mode"),
        (
            lambda: layers.TorchCompile(mode="default", inductor_options={"cpp_wrapper": True}),
            "either a mode or options",
        ),
        (lambda: layers.GradientCheckpointing("encoder"), "a list of names"),
    ],
)
def test_an_invalid_option_is_refused_with_the_valid_ones(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_cores_and_nodes_that_the_process_may_not_use_are_unavailable():
    reason = layers.TunedRuntime("default", "gnu", cores="4096").unavailable()
    assert "cores 4096 cannot be used" in reason
    assert "NUMA node 512" in layers.TunedRuntime("default", "gnu", node=512).unavailable()


@pytest.mark.parametrize(
    "layer",
    [
        layers.TorchCompile(mode="max-autotune-no-cudagraphs", dynamic=True),
        layers.TorchCompile(inductor_options={"cpp_wrapper": True}),
        layers.TunedRuntime("default", "gnu", hyperthreads=True),
        layers.DataParallel("torchrun", "l3", bucket_cap_mb=1.0, accumulation=2, backend="gloo"),
        layers.GradientCheckpointing(("layer1",)),
    ],
    ids=repr,
)
def test_a_layer_is_made_again_from_its_options(layer):
    (again,) = rebuild(json.loads(json.dumps(Stack.of([layer]).factories())))
    assert again == layer


def test_options_that_are_not_used_are_left_out_of_the_record():
    assert dict(layers.TorchCompile().options) == {"backend": "inductor"}
    assert "hyperthreads" not in layers.TunedRuntime("default", "gnu").options
    assert not {"accumulation", "backend"} & layers.DataParallel("torchrun", 1).options.keys()


def test_both_threads_of_a_core_can_be_used(monkeypatch):
    monkeypatch.setattr(runtime, "physical_cores", lambda _node: (0, 1))
    monkeypatch.setattr(runtime, "logical_cores", lambda _node: (0, 2, 1, 3))
    both = layers.TunedRuntime("default", "gnu", hyperthreads=True)
    assert both.process().run_cpu.cores == (0, 2, 1, 3)
    monkeypatch.setattr(runtime, "logical_cores", lambda _node: (0, 1))
    assert "run one thread each" in both.unavailable()


def test_there_is_a_rank_for_each_group_of_cores_that_share_a_cache(monkeypatch):
    monkeypatch.setattr(distributed, "cache_groups", lambda _cores: ((0, 1), (2, 3), (4, 5)))
    ranks = layers.DataParallel("torchrun", "l3").process().ranks
    assert (ranks.count, ranks.by_cache) == (3, True)


def test_names_and_positions_of_layers_are_unique():
    classes = [getattr(layers, name) for name in layers.__all__]
    assert len({layer_class.name for layer_class in classes}) == len(classes)
    assert len({layer_class.order for layer_class in classes}) == len(classes)
