"""Several numbers of data workers: they compete with the training for the same cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark


@pytest.mark.parametrize("data_workers", [1, 2], indirect=True)
def test_data_workers(training_benchmark: TrainingBenchmark, data_workers: Layer) -> None:
    training_benchmark(resnet)
