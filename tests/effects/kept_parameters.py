"""Trainings that keep parameters or a step of the optimizer which a layer might replace."""

from __future__ import annotations

import functools
from dataclasses import replace

from subjects import CLASSES, PIXELS, small_net

from traingate import TrainingSetup


def lstm_net() -> TrainingSetup:
    """Return a training of an LSTM, whose parameters IPEX replaces, on the rows of images."""
    import torch
    from torch import nn

    class Rows(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3 * PIXELS, 16, batch_first=True)
            self.head = nn.Linear(16, CLASSES)

        def forward(self, images):
            rows = images.permute(0, 2, 1, 3).flatten(2)
            outputs, _ = self.lstm(rows)
            return self.head(outputs[:, -1])

    model = Rows()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    return replace(small_net(), model=model, optimizer=optimizer)


def clipped_lstm_net() -> TrainingSetup:
    """Return ``lstm_net`` with a hook that clips the parameters of a list."""
    import torch

    setup = lstm_net()
    parameters = list(setup.model.parameters())
    setup.optimizer.register_step_pre_hook(
        lambda *_: torch.nn.utils.clip_grad_norm_(parameters, 0.01) and None
    )
    return setup


def clipped_adamw_net() -> TrainingSetup:
    """Return a training whose own step clips a list, with an optimizer that IPEX has not fused."""
    import torch

    setup = small_net()
    parameters = list(setup.model.parameters())
    optimizer = torch.optim.AdamW(parameters)

    def step(context, batch):
        optimizer.zero_grad()
        loss = context.forward(lambda: context.criterion(context.model(batch[0]), batch[1]))
        context.backward(loss)
        context.update(torch.nn.utils.clip_grad_norm_, parameters, 0.01)
        context.update(optimizer.step)
        return loss

    return replace(setup, optimizer=optimizer, step=step)


def adamw_net() -> TrainingSetup:
    """Return a training whose own step clips what the model has, with the same optimizer."""
    import torch

    setup = small_net()
    optimizer = torch.optim.AdamW(setup.model.parameters())

    def step(context, batch):
        optimizer.zero_grad()
        loss = context.forward(lambda: context.criterion(context.model(batch[0]), batch[1]))
        context.backward(loss)
        context.update(torch.nn.utils.clip_grad_norm_, context.model.parameters(), 0.01)
        context.update(optimizer.step)
        return loss

    return replace(setup, optimizer=optimizer, step=step)


def replaced_step_net() -> TrainingSetup:
    """Return a training that has put a step which clips in the place of the optimizer's."""
    import torch

    setup = small_net()
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=1.0)
    _clip_in_step(optimizer)
    return replace(setup, optimizer=optimizer)


def scheduled_replaced_step_net() -> TrainingSetup:
    """Return the same after a scheduler has wrapped the step, whose mark the new step copies."""
    import torch

    setup = small_net()
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=1.0)
    torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    _clip_in_step(optimizer)
    return replace(setup, optimizer=optimizer)


def _clip_in_step(optimizer):
    import torch

    original_step = optimizer.step

    @functools.wraps(original_step)
    def clipped_step(*arguments, **options):
        for group in optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 0.01)
        return original_step(*arguments, **options)

    optimizer.step = clipped_step
