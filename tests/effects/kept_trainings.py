"""Trainings that a layer might change: hooks, schedulers, frozen parameters, captured models."""

from __future__ import annotations

import itertools
from dataclasses import replace

from subjects import SeededImages, linear_net, small_net

from traingate import TrainingSetup


def hooked_net() -> TrainingSetup:
    """Return a training whose optimizer clips gradients before each step and schedules after it."""
    return _hooked(small_net())


def hooked_linear_net() -> TrainingSetup:
    """Return a training of one linear layer with the hooks of ``hooked_net``."""
    _lower_the_recompile_limit()
    return _hooked(linear_net())


def _lower_the_recompile_limit() -> None:
    """Let Dynamo reach its limit after a few compilations, since each takes seconds."""
    import torch._dynamo

    torch._dynamo.config.recompile_limit = 3


def _hooked(setup: TrainingSetup) -> TrainingSetup:
    import torch

    optimizer = torch.optim.SGD(setup.model.parameters(), lr=1.0, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    parameters = list(setup.model.parameters())
    optimizer.register_step_pre_hook(
        lambda *_: torch.nn.utils.clip_grad_norm_(parameters, 0.5) and None
    )
    optimizer.register_step_post_hook(lambda *_: scheduler.step())
    return replace(setup, optimizer=optimizer)


def hooked_rprop_net() -> TrainingSetup:
    """Return ``hooked_net`` with an optimizer for which IPEX has no fused update."""
    import torch

    setup = small_net()
    optimizer = torch.optim.Rprop(setup.model.parameters())
    optimizer.register_step_pre_hook(lambda *_: None)
    return replace(setup, optimizer=optimizer)


def state_hooked_net() -> TrainingSetup:
    """Return a training whose optimizer has a hook for its state."""
    setup = small_net()
    setup.optimizer.register_state_dict_post_hook(lambda *_: None)
    return setup


def gradient_hooked_net() -> TrainingSetup:
    """Return a training that clips the gradient of each parameter where it arises."""
    setup = small_net()
    for parameter in setup.model.parameters():
        parameter.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))
    return setup


def frozen_net() -> TrainingSetup:
    """Return a training of the last layer alone, at a high learning rate."""
    import torch

    setup = small_net()
    for parameter in setup.model[:-1].parameters():
        parameter.requires_grad_(False)
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=0.5)
    return replace(setup, optimizer=optimizer)


def captured_net() -> TrainingSetup:
    """Return a training whose step calls the model that it has captured, not its argument."""
    setup = small_net()
    own_model = setup.model

    def train_step(_model, batch, criterion):
        return criterion(own_model(batch[0]), batch[1])

    return replace(setup, train_step=train_step)


def own_step_net() -> TrainingSetup:
    """Return a training whose own step calls the model that it has captured."""
    setup = small_net()
    own_model = setup.model

    def step(context, batch):
        return _take_step(context, own_model, batch)

    return replace(setup, step=step)


def twice_called_net() -> TrainingSetup:
    """Return a training whose step calls its argument, and the captured model for a second loss."""
    setup = small_net()
    own_model = setup.model

    def train_step(model, batch, criterion):
        images, classes = batch
        return criterion(model(images), classes) + criterion(own_model(images), classes)

    return replace(setup, train_step=train_step)


def evaluated_net() -> TrainingSetup:
    """Return a training that evaluates the captured model, without gradients, in each step."""
    import torch

    setup = small_net()
    own_model = setup.model

    def train_step(model, batch, criterion):
        with torch.no_grad():
            own_model(batch[0])
        return criterion(model(batch[0]), batch[1])

    return replace(setup, train_step=train_step)


def seldom_called_nets() -> TrainingSetup:
    """Return a training of two models, of which one trains in every fifth step only."""
    from torch import nn

    setup, other = small_net(), small_net()
    numbers = itertools.count(1)

    def step(context, batch):
        number = next(numbers)
        return _take_step(context, context.model["often" if number % 5 else "seldom"], batch)

    models = nn.ModuleDict({"often": setup.model, "seldom": other.model})
    return replace(setup, model=models, optimizer=[setup.optimizer, other.optimizer], step=step)


def _take_step(context, model, batch):
    """Take the usual step of *model*."""
    for optimizer in context.optimizers:
        optimizer.zero_grad()
    images, classes = batch
    loss = context.forward(lambda: context.criterion(model(images), classes))
    context.backward(loss)
    for optimizer in context.optimizers:
        context.update(optimizer.step)
    return loss


def one_cycle_net() -> TrainingSetup:
    """Return a training with a scheduler that changes learning rate and momentum in each step."""
    import torch

    setup = small_net()
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=0.5, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1.0, total_steps=1000, pct_start=0.005
    )
    optimizer.register_step_post_hook(lambda *_: scheduler.step())
    return replace(setup, optimizer=optimizer)


def plateau_net() -> TrainingSetup:
    """Return a training with a scheduler that is given the loss, and lowers the rate each time."""
    import torch

    setup = small_net()
    optimizer = torch.optim.SGD(setup.model.parameters(), lr=1.0, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.3, patience=0, threshold=10.0, threshold_mode="abs"
    )

    def step(context, batch):
        loss = _take_step(context, context.model, batch)
        scheduler.step(loss.detach())
        return loss

    return replace(setup, optimizer=optimizer, step=step)


def counting_net() -> TrainingSetup:
    """Return a training whose model has a number that changes in each step."""
    from torch import nn

    class Counting(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net
            self.calls = 0

        def forward(self, images):
            self.calls += 1
            return self.net(images) * (1 + 1 / self.calls)

    _lower_the_recompile_limit()
    setup = linear_net()
    return replace(setup, model=Counting(setup.model))


def whole_batch(images):
    """Return a tensor, not a pair: a collate function."""
    import torch

    return torch.stack([image for image, _ in images])


def tensor_net() -> TrainingSetup:
    """Return a training whose batch is one tensor of two samples."""
    return replace(small_net(), batch_size=2, collate_fn=whole_batch)


def dict_net() -> TrainingSetup:
    """Return a training whose batch is a dict of two keys."""
    return replace(small_net(), dataset=_Named())


class _Named(SeededImages):
    def __getitem__(self, index):
        image, label = super().__getitem__(index)
        return {"image": image, "label": label}


def sharded_net() -> TrainingSetup:
    """Return a training on 20 samples, of which each data worker reads its share."""
    import torch

    class Sharded(torch.utils.data.IterableDataset):
        def __iter__(self):
            worker = torch.utils.data.get_worker_info()
            start, step = (worker.id, worker.num_workers) if worker else (0, 1)
            return (SeededImages()[index] for index in range(start, 20, step))

    return replace(small_net(), dataset=Sharded())
