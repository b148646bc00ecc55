"""Trainings of which one part of the step is slow."""

from __future__ import annotations

import time
from dataclasses import dataclass

from subjects import CLASSES, SeededImages

from traingate import BaseLayer, Training, TrainingSetup

SLOW_SECONDS = 0.05


class _SlowImages(SeededImages):
    def __getitem__(self, index):
        if index % 8 == 0:
            time.sleep(SLOW_SECONDS)
        return super().__getitem__(index)


def tiny_net(phase: str = "") -> TrainingSetup:
    """Return a training whose phases all take little time, but for one that sleeps.

    Args:
        phase: Phase to be slow. The data set cannot make ``transfer`` slow, see ``SlowTransfer``.
    """
    import torch
    from torch import nn

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(_context, values):
            time.sleep(SLOW_SECONDS * (phase == "forward"))
            return values.clone()

        @staticmethod
        def backward(_context, gradients):
            time.sleep(SLOW_SECONDS * (phase == "backward"))
            return gradients

    def train_step(model, batch, criterion):
        images, classes = batch
        return criterion(Slow.apply(model(images)), classes)

    class SlowSGD(torch.optim.SGD):
        def step(self, closure=None):
            time.sleep(SLOW_SECONDS)
            return super().step(closure)

    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, CLASSES))
    optimizer = (SlowSGD if phase == "optimizer" else torch.optim.SGD)(model.parameters(), lr=0.1)
    images = _SlowImages() if phase == "data" else SeededImages()
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, images, 8, train_step=train_step)


def slow_in_data() -> TrainingSetup:
    """Return ``tiny_net`` with a slow data set."""
    return tiny_net("data")


def slow_in_forward() -> TrainingSetup:
    """Return ``tiny_net`` with a slow forward."""
    return tiny_net("forward")


def slow_in_backward() -> TrainingSetup:
    """Return ``tiny_net`` with a slow backward."""
    return tiny_net("backward")


def slow_in_optimizer() -> TrainingSetup:
    """Return ``tiny_net`` with a slow update."""
    return tiny_net("optimizer")


@dataclass(frozen=True)
class SlowTransfer(BaseLayer):
    """Layer whose transform of the batch takes a while."""

    name = "slow_transfer"
    order = 290

    def apply(self, training: Training) -> None:
        def transform(batch):
            time.sleep(SLOW_SECONDS)
            return batch

        training.batch_transforms.append(transform)
