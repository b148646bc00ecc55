"""Workloads with the same trainings as ``plain_loop``."""

from __future__ import annotations

import time

from traingate import TrainingSetup


class Images:
    def __init__(self, read_seconds):
        import torch

        self._draw = torch.randn
        self._read_seconds = read_seconds

    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        if self._read_seconds:
            time.sleep(self._read_seconds)
        return self._draw(3, 64, 64), index % 10


def compute_bound() -> TrainingSetup:
    import torchvision

    return _setup(torchvision.models.resnet18(), Images(0.0))


def data_bound() -> TrainingSetup:
    import torch

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 64 * 64, 512))
    return _setup(model, Images(0.004))


def _setup(model, dataset) -> TrainingSetup:
    import torch

    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters()),
        dataset=dataset,
        batch_size=8,
    )
