"""ipex.optimize with and without channels last, in a process that is otherwise plain.

The article finds no difference between the two in bf16.
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
@pytest.mark.parametrize("channels_last", [False, True], indirect=True, ids=["nchw", "nhwc"])
@pytest.mark.parametrize("bf16_autocast", [False, True], indirect=True, ids=["fp32", "bf16"])
def test_ipex_optimize(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer,
    channels_last: Layer,
    ipex_optimize: Layer,
) -> None:
    training_benchmark(resnet)
