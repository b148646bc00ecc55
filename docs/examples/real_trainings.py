"""Workloads whose step is more than one forward, one backward and one update.

Each of them is small enough to try. ``tests/effects/test_real_trainings.py`` measures them, plain
and under layers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from traingate import StepContext, TrainingSetup

FEATURES = 64
CLASSES = 10


class Points(torch.utils.data.Dataset[tuple[torch.Tensor, int]]):
    """Points with a class each, the same for an index in every process."""

    def __len__(self) -> int:
        return 100_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        generator = torch.Generator().manual_seed(index)
        return torch.randn(FEATURES, generator=generator), index % CLASSES


def perceptron(outputs: int, inputs: int = FEATURES, depth: int = 1) -> nn.Sequential:
    """Return a perceptron with *depth* hidden layers."""
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(inputs, inputs), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(inputs, outputs))


def loss_of(model: Any, batch: Any, criterion: Any) -> Any:
    """Return the loss of one batch."""
    points, classes = batch
    return criterion(model(points), classes)


def classifier(depth: int = 1, batch_size: int = 32) -> TrainingSetup:
    """Return a training whose size a test chooses: ``training_benchmark(classifier, depth=3)``."""
    model = perceptron(CLASSES, depth=depth)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), batch_size)


def lbfgs() -> TrainingSetup:
    """Return a training with an optimizer that evaluates the model several times in each step.

    It needs no step of its own: an optimizer that requires a closure gets one.
    """
    model = perceptron(CLASSES)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.02, max_iter=4)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), 32)


def lbfgs_with_penalty() -> TrainingSetup:
    """Return a training with a closure of its own."""

    def step(context: StepContext, batch: Any) -> Any:
        def closure() -> Any:
            context.optimizer.zero_grad()
            loss = context.forward(loss_of, context.model, batch, context.criterion)
            loss = loss + 1e-4 * sum(each.square().sum() for each in context.model.parameters())
            context.backward(loss)
            return loss

        return context.update(context.optimizer.step, closure)

    model = perceptron(CLASSES)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.02, max_iter=4)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), 32, step=step)


def discriminator_loss(discriminator: Any, real: Any, fake: Any) -> Any:
    """Return the loss of the discriminator, whose input is a batch of real and of fake points."""
    scores = discriminator(torch.cat([real, fake]))
    targets = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)]).to(scores.device)
    return nn.functional.binary_cross_entropy_with_logits(scores, targets)


def generator_loss(discriminator: Any, fake: Any) -> Any:
    """Return the loss of the generator, which wants its points to count as real."""
    scores = discriminator(fake)
    return nn.functional.binary_cross_entropy_with_logits(scores, torch.ones_like(scores))


def gan() -> TrainingSetup:
    """Return a training of two models, each with an optimizer of its own."""

    def step(context: StepContext, batch: Any) -> Any:
        generator, discriminator = context.model["generator"], context.model["discriminator"]
        generator_optimizer, discriminator_optimizer = context.optimizers
        real, _ = batch
        fake = context.forward(generator, torch.randn_like(real))

        discriminator_optimizer.zero_grad()
        loss = context.forward(discriminator_loss, discriminator, real, fake.detach())
        context.backward(loss)
        context.update(discriminator_optimizer.step)

        generator_optimizer.zero_grad()
        loss = context.forward(generator_loss, discriminator, fake)
        context.backward(loss)
        context.update(generator_optimizer.step)
        return loss

    models = nn.ModuleDict(
        {"generator": perceptron(FEATURES), "discriminator": perceptron(1, depth=2)}
    )
    optimizers = [torch.optim.Adam(model.parameters(), lr=1e-3) for model in models.values()]
    return TrainingSetup(models, None, optimizers, Points(), 32, step=step)


PARTS = 4


def accumulating() -> TrainingSetup:
    """Return a training that adds up the gradients of four parts of a batch before it updates."""

    def step(context: StepContext, batch: Any) -> Any:
        def add_gradients(part: Any) -> Any:
            loss = context.forward(loss_of, context.model, part, context.criterion)
            context.backward(loss / PARTS)
            return loss

        context.optimizer.zero_grad()
        *first_parts, last_part = zip(*(each.chunk(PARTS) for each in batch), strict=True)
        with context.accumulating():
            for part in first_parts:
                add_gradients(part)
        loss = add_gradients(last_part)
        context.update(context.optimizer.step)
        return loss

    model = perceptron(CLASSES)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), 32, step=step)


def scheduled_and_clipped() -> TrainingSetup:
    """Return a training with a learning rate for each step, and with clipped gradients.

    The learning rate is a tensor, so that ``compiled_step`` need not compile an update for each of
    its values.
    """
    model = perceptron(CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3))
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=100)

    def step(context: StepContext, batch: Any) -> Any:
        optimizer.zero_grad()
        loss = context.forward(loss_of, context.model, batch, context.criterion)
        context.backward(loss)
        context.update(nn.utils.clip_grad_norm_, context.model.parameters(), 1.0)
        context.update(optimizer.step)
        context.update(scheduler.step)
        return loss

    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), 32, step=step)


def scaled() -> TrainingSetup:
    """Return a training whose loss is scaled, so that small gradients survive in 16 bits."""
    scaler = torch.amp.GradScaler("cpu")

    def step(context: StepContext, batch: Any) -> Any:
        context.optimizer.zero_grad()
        loss = context.forward(loss_of, context.model, batch, context.criterion)
        context.backward(scaler.scale(loss))
        context.update(scaler.step, context.optimizer)
        context.update(scaler.update)
        return loss

    model = perceptron(CLASSES)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, Points(), 32, step=step)
