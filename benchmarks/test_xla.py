"""PyTorch/XLA on its CPU device: in the article, up to seven times slower than the plain script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from article import derived
from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark

small_batch = pytest.mark.parametrize("batch_size", [4], indirect=True)


@small_batch
def test_xla_device(
    training_benchmark: TrainingBenchmark, batch_size: Layer, xla_device: Layer
) -> None:
    training_benchmark(resnet, published=[derived(1.30)])
