"""The article's optimisations in its order: each test adds a layer to those of the test before it.

The tests after ``test_data_workers`` leave its layer out, because data workers compete with the
training for its cores. torch.compile has a file of its own, test_compile.py, because it gains only
without channels last. The fp32 tests are for the many CPUs that compute bf16 no faster than fp32,
or emulate it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from article import GPU, SPOT, derived_figure, stated_figure
from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark

small_batch = pytest.mark.parametrize("batch_size", [4], indirect=True)


def test_plain(training_benchmark: TrainingBenchmark) -> None:
    training_benchmark(resnet, published=[stated_figure(9.12), stated_figure(340, GPU)])


@small_batch
def test_batch_size(training_benchmark: TrainingBenchmark, batch_size: Layer) -> None:
    training_benchmark(resnet, published=[derived_figure(13.09)])


@small_batch
def test_data_workers(
    training_benchmark: TrainingBenchmark, batch_size: Layer, data_workers: Layer
) -> None:
    training_benchmark(resnet)


@small_batch
def test_bf16_autocast(
    training_benchmark: TrainingBenchmark, batch_size: Layer, bf16_autocast: Layer
) -> None:
    training_benchmark(resnet, published=[stated_figure(24.34)])


@small_batch
def test_channels_last(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
) -> None:
    training_benchmark(resnet, published=[stated_figure(37.93)])


@small_batch
def test_tuned_runtime(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
) -> None:
    training_benchmark(resnet, published=[stated_figure(39.05)])


@small_batch
def test_ipex_optimize(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
    ipex_optimize: Layer,
) -> None:
    training_benchmark(
        resnet,
        published=[stated_figure(40.73), stated_figure(40.73, SPOT), derived_figure(926, GPU)],
    )


@small_batch
def test_fp32_channels_last(
    training_benchmark: TrainingBenchmark, batch_size: Layer, channels_last: Layer
) -> None:
    training_benchmark(resnet)


@small_batch
def test_fp32_tuned_runtime(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
) -> None:
    training_benchmark(resnet)


@small_batch
def test_fp32_ipex_optimize(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
    ipex_optimize: Layer,
) -> None:
    training_benchmark(resnet)
