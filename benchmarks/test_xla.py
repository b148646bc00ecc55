"""PyTorch/XLA on its CPU device.

In the article, it takes up to seven times as long as the plain script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from article import derived_figure
from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark

small_batch = pytest.mark.parametrize("batch_size", [4], indirect=True)


@small_batch
def test_xla_device(
    training_benchmark: TrainingBenchmark, batch_size: Layer, xla_device: Layer
) -> None:
    training_benchmark(resnet, published=[derived_figure(1.30)])
