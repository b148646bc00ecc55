"""Two ranks with half of the cores each, started by torchrun and by ipexrun; with gloo and oneCCL.

Their two batches together are as large as the batch of the plain test. The article has one rank for
each of two NUMA nodes, and reports no gain.
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
@pytest.mark.parametrize(
    "data_parallel",
    [
        {"launcher": "torchrun", "ranks": 2},
        {"launcher": "ipexrun", "ranks": 2, "arguments": ["--omp-runtime", "intel"]},
        {"launcher": "torchrun", "ranks": 2, "backend": "ccl"},
    ],
    indirect=True,
    ids=["torchrun", "ipexrun", "ccl"],
)
def test_data_parallel(
    training_benchmark: TrainingBenchmark, batch_size: Layer, data_parallel: Layer
) -> None:
    training_benchmark(resnet)
