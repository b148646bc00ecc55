"""Batch size 2; test_ladder.py has batch sizes 8 (plain) and 4.

On the article's CPU, small batches give a higher throughput than large ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark


@pytest.mark.parametrize("batch_size", [2], indirect=True)
def test_batch_size(training_benchmark: TrainingBenchmark, batch_size: Layer) -> None:
    training_benchmark(resnet)
