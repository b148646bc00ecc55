"""Allocators and OpenMP runtimes, on the fp32 stack with channels last.

test_ladder.py has the article's pair, tcmalloc with Intel's OpenMP, and the same stack without any
tuned runtime.
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
    "tuned_runtime",
    [
        {"allocator": allocator, "openmp": openmp}
        for allocator in ("tcmalloc", "jemalloc", "glibc", "default")
        for openmp in ("intel", "gnu")
        if (allocator, openmp) not in {("tcmalloc", "intel"), ("default", "gnu")}
    ],
    indirect=True,
    ids=lambda options: f"{options['allocator']}-{options['openmp']}",
)
def test_tuned_runtime(
    training_benchmark: TrainingBenchmark,
    batch_size: Layer,
    channels_last: Layer,
    tuned_runtime: Layer,
) -> None:
    training_benchmark(resnet)
