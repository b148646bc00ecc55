"""The layers that the article lacks, each on ResNet-50 in channels last, which most of them need.

These are not part of the default run: ``pytest benchmarks/more``. The rows of memory have a larger
batch, because it is memory that they change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark

small_batch = pytest.mark.parametrize("batch_size", [4], indirect=True)


@small_batch
def test_channels_last(
    training_benchmark: TrainingBenchmark, batch_size: Layer, channels_last: Layer
) -> None:
    training_benchmark(resnet)


@small_batch
@pytest.mark.parametrize(
    "tuned_runtime",
    [
        {"allocator": "tcmalloc", "openmp": "gnu"},
        {"allocator": "jemalloc", "openmp": "gnu"},
        {"allocator": "jemalloc-retain", "openmp": "gnu"},
        {"allocator": "mimalloc", "openmp": "gnu"},
        {"allocator": "glibc", "openmp": "gnu"},
        {"allocator": "default", "openmp": "gnu", "hyperthreads": True},
    ],
    ids=["tcmalloc", "jemalloc", "jemalloc-retain", "mimalloc", "glibc", "hyperthreads"],
    indirect=True,
)
def test_tuned_runtime(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_huge_pages(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    huge_pages: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_fp16_autocast(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    fp16_autocast: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_float32_precision(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    float32_precision: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_fused_optimizer(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    fused_optimizer: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_foreach_optimizer(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    foreach_optimizer: Layer,
) -> None:
    training_benchmark(resnet)


@pytest.mark.parametrize("batch_size", [16], indirect=True)
@pytest.mark.parametrize("gradient_checkpointing", [False, True], indirect=True)
def test_gradient_checkpointing(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    gradient_checkpointing: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
@pytest.mark.parametrize(
    "torch_compile",
    [
        {},
        {"mode": "max-autotune-no-cudagraphs"},
        {"inductor_options": {"cpp_wrapper": True}},
        {"dynamic": True},
    ],
    ids=["default", "max-autotune", "cpp-wrapper", "dynamic"],
    indirect=True,
)
def test_torch_compile(
    training_benchmark: TrainingBenchmark, batch_size: Layer, torch_compile: Layer
) -> None:
    training_benchmark(resnet)


@small_batch
@pytest.mark.parametrize(
    "data_parallel",
    [
        {"ranks": 2},
        {"ranks": 2, "bucket_cap_mb": 4.0},
        {"ranks": 2, "accumulation": 4},
        {"ranks": "l3"},
    ],
    ids=["ranks", "buckets", "accumulation", "l3"],
    indirect=True,
)
def test_data_parallel(
    training_benchmark: TrainingBenchmark, batch_size: Layer, data_parallel: Layer
) -> None:
    training_benchmark(resnet)
