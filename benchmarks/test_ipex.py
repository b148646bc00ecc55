"""ipex.optimize without channels last; test_ladder.py has it with channels last.

In bf16, the article reports about the same throughput with and without channels last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.resnet import resnet

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark


@pytest.mark.parametrize("batch_size", [4], indirect=True)
@pytest.mark.parametrize("bf16_autocast", [False, True], indirect=True, ids=["fp32", "bf16"])
def test_ipex_optimize(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    bf16_autocast: Layer | None,
    tuned_runtime: Layer,
    ipex_optimize: Layer,
) -> None:
    training_benchmark(resnet)
