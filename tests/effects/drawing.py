"""Trainings that draw random numbers in their steps and data sets, by the generators of scripts."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

from subjects import SeededImages, small_net

from traingate import TrainingSetup

DRAWS_FILE = "TRAINGATE_TEST_DRAWS"
"""Variable with the path of a file to which ``drawing_net`` adds the random numbers that it draws."""


def _draw(workload: str, place: str) -> None:
    """Draw a random number from each generator, and write them down."""
    import numpy as np
    import torch

    numbers = [random.random(), float(np.random.rand()), float(torch.rand(()))]  # noqa: NPY002
    row = {"workload": workload, "place": place, "process": os.getpid(), "numbers": numbers}
    with Path(os.environ[DRAWS_FILE]).open("a") as file:
        file.write(json.dumps(row) + "\n")


class _DrawingImages(SeededImages):
    def __init__(self, workload):
        self.workload = workload

    def __getitem__(self, index):
        if index % 8 == 0:  # once for each batch
            _draw(self.workload, "sample")
        return super().__getitem__(index)


def drawing_net(workload: str = "drawing_net") -> TrainingSetup:
    """Return a training that draws random numbers in its steps and in its data set."""
    setup = small_net()

    def train_step(model, batch, criterion):
        _draw(workload, "step")
        return criterion(model(batch[0]), batch[1])

    return replace(setup, dataset=_DrawingImages(workload), train_step=train_step)


def drawing_more_net() -> TrainingSetup:
    """Return the same training, which draws one number more while it is built."""
    import numpy as np
    import torch

    _ = random.random(), np.random.rand(), torch.rand(1)  # noqa: NPY002
    return drawing_net("drawing_more_net")
