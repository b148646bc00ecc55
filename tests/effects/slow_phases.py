"""Trainings of which one part of the step is slow."""

from __future__ import annotations

import time
from dataclasses import dataclass

from subjects import CLASSES, SeededImages

from traingate import BaseLayer, Training, TrainingSetup

SLOW_SECONDS = {
    "data": 0.03, "transfer": 0.06, "forward": 0.09, "backward": 0.12, "optimizer": 0.15,
}  # fmt: skip
"""Time that a slow phase sleeps in each step, by its name; each has another."""


class _SlowImages(SeededImages):
    def __getitem__(self, index):
        if index % 8 == 0:
            time.sleep(SLOW_SECONDS["data"])
        return super().__getitem__(index)


def tiny_net(*slow_phases: str) -> TrainingSetup:
    """Return a training whose phases all take little time, but for those that sleep.

    Args:
        slow_phases: Phases to be slow. A workload cannot make ``transfer`` slow: see
            ``SlowTransfer``.
    """
    import torch
    from torch import nn

    class Slow(torch.autograd.Function):
        @staticmethod
        def forward(_context, values):
            time.sleep(SLOW_SECONDS["forward"] * ("forward" in slow_phases))
            return values.clone()

        @staticmethod
        def backward(_context, gradients):
            time.sleep(SLOW_SECONDS["backward"] * ("backward" in slow_phases))
            return gradients

    def train_step(model, batch, criterion):
        images, classes = batch
        return criterion(Slow.apply(model(images)), classes)

    class SlowSGD(torch.optim.SGD):
        def step(self, closure=None):
            time.sleep(SLOW_SECONDS["optimizer"])
            return super().step(closure)

    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, CLASSES))
    optimizer = (SlowSGD if "optimizer" in slow_phases else torch.optim.SGD)(
        model.parameters(), lr=0.1
    )
    images = _SlowImages() if "data" in slow_phases else SeededImages()
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, images, 8, train_step=train_step)


def slow_net() -> TrainingSetup:
    """Return ``tiny_net`` with each phase slow that a workload can make so."""
    return tiny_net("data", "forward", "backward", "optimizer")


def slow_in_backward() -> TrainingSetup:
    """Return ``tiny_net`` with a slow backward."""
    return tiny_net("backward")


@dataclass(frozen=True)
class SlowTransfer(BaseLayer):
    """Layer whose transform of the batch takes a while."""

    name = "slow_transfer"
    order = 290

    def apply(self, training: Training) -> None:
        def transform(batch):
            time.sleep(SLOW_SECONDS["transfer"])
            return batch

        training.batch_transforms.append(transform)
