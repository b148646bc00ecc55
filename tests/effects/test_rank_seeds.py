"""Random numbers of the ranks of one training, from each of the generators that scripts use."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from subjects import small_net

from traingate import TrainingSetup, layers

RANKS = 2


def _drawing(draw) -> TrainingSetup:
    """Return a training whose loss is what *draw* returns."""
    return replace(
        small_net(), train_step=lambda model, batch, _: 0 * model(batch[0]).sum() + draw()
    )


def drawing_by_python() -> TrainingSetup:
    """Return a training whose loss is a random number of Python."""
    return _drawing(random.random)


def drawing_by_numpy() -> TrainingSetup:
    """Return a training whose loss is a random number of numpy."""
    import numpy as np

    return _drawing(np.random.random)


def drawing_by_torch() -> TrainingSetup:
    """Return a training whose loss is a random number of torch."""
    import torch

    return _drawing(lambda: float(torch.rand(())))


@pytest.mark.parametrize("workload", [drawing_by_python, drawing_by_numpy, drawing_by_torch])
def test_each_rank_draws_other_numbers(train, workload):
    ranks = train(layers.DataParallel("torchrun", RANKS), workload=workload).steps
    first, second = ({step["loss"] for step in steps} for steps in ranks)
    assert len(first) == len(second) > 1
    assert first.isdisjoint(second)
