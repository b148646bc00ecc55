"""Workload with the same training as ``plain_loop``."""

from __future__ import annotations

from traingate import TrainingSetup


class Images:
    def __init__(self):
        import torch

        self._draw = torch.randn

    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return self._draw(3, 64, 64), index % 10


def resnet18() -> TrainingSetup:
    import torch
    import torchvision

    model = torchvision.models.resnet18()
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters()),
        dataset=Images(),
        batch_size=8,
    )
