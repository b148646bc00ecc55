"""Two data workers; test_ladder.py has one.

Data workers compete with the training for its cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark


@pytest.mark.parametrize("batch_size", [4], indirect=True)
@pytest.mark.parametrize("data_workers", [2], indirect=True)
def test_data_workers(
    training_benchmark: TrainingBenchmark, batch_size: Layer, data_workers: Layer
) -> None:
    training_benchmark(resnet)
