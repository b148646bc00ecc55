"""Other kinds of models than the article's, each under the layers that fit it.

These are not part of the default run: ``pytest benchmarks/more``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workloads.detector import detector
from workloads.gan import gan
from workloads.recommender import recommender
from workloads.sequences import sequences
from workloads.transformer import transformer
from workloads.vision_transformer import vision_transformer

if TYPE_CHECKING:
    from traingate import Layer
    from traingate.fixtures import TrainingBenchmark
    from traingate.training_setup import Workload

every_model = pytest.mark.parametrize(
    "workload", [transformer, vision_transformer, detector, recommender, sequences, gan]
)


@every_model
def test_plain(training_benchmark: TrainingBenchmark, workload: Workload) -> None:
    training_benchmark(workload)


@every_model
def test_tuned_runtime(
    training_benchmark: TrainingBenchmark, workload: Workload, tuned_runtime: Layer
) -> None:
    training_benchmark(workload)


@pytest.mark.parametrize("workload", [detector, gan])
def test_channels_last(
    training_benchmark: TrainingBenchmark, workload: Workload, channels_last: Layer
) -> None:
    training_benchmark(workload)


@pytest.mark.parametrize("workload", [transformer, vision_transformer, gan])
def test_torch_compile(
    training_benchmark: TrainingBenchmark, workload: Workload, torch_compile: Layer
) -> None:
    training_benchmark(workload)


@pytest.mark.parametrize("workload", [transformer, vision_transformer, sequences, gan])
def test_fused_optimizer(
    training_benchmark: TrainingBenchmark, workload: Workload, fused_optimizer: Layer
) -> None:
    training_benchmark(workload)


@pytest.mark.parametrize("workload", [transformer, vision_transformer])
def test_gradient_checkpointing(
    training_benchmark: TrainingBenchmark, workload: Workload, gradient_checkpointing: Layer
) -> None:
    training_benchmark(workload)
