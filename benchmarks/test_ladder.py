"""The article's stack, each rung with one layer more than the one before.

The data workers are a rung of their own that the later ones do without: as in the article,
they compete with the training for the same cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from article import derived, stated
from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark

small_batch = pytest.mark.parametrize("batch_size", [4], indirect=True)


def test_plain(training_benchmark: TrainingBenchmark) -> None:
    training_benchmark(resnet, published=stated(9.12))


@small_batch
def test_batch_size(training_benchmark: TrainingBenchmark, batch_size: Layer) -> None:
    training_benchmark(resnet, published=derived(13.09))


@small_batch
def test_data_workers(
    training_benchmark: TrainingBenchmark, batch_size: Layer, data_workers: Layer
) -> None:
    training_benchmark(resnet)


@small_batch
def test_bf16_autocast(
    training_benchmark: TrainingBenchmark, batch_size: Layer, bf16_autocast: Layer
) -> None:
    training_benchmark(resnet, published=stated(24.34))


@small_batch
def test_channels_last(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
) -> None:
    training_benchmark(resnet, published=stated(37.93))


@small_batch
def test_torch_compile(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
    torch_compile: Layer,
) -> None:
    # The article drops this rung: beside channels last, compiling made the training slower.
    training_benchmark(resnet)
