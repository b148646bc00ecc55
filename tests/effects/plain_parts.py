"""Models, data and steps that use nothing of traingate, for workloads and plain scripts alike."""

from __future__ import annotations

import itertools
from collections import namedtuple

import torch
from torch import nn

PIXELS = 32
CLASSES = 10

Batch = namedtuple("Batch", ["images", "classes"])


class Images:
    """Data set with the same image for an index in every process."""

    def __len__(self):
        return 10_000

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, PIXELS, PIXELS, generator=generator), index % CLASSES


def convolutions(*channels):
    """Return blocks of a convolution, batch norm and activation."""
    return [
        nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
        for before, after in itertools.pairwise(channels)
    ]


def classifier():
    """Return a model with parts of one class side by side, and with a frozen parameter."""
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))
    model = nn.Sequential(nn.Sequential(*convolutions(3, 32)), *convolutions(32, 64, 64), *head)
    model[1][0].bias.requires_grad_(False)
    return model


def tied_classifier():
    """Return a model whose last two layers share their parameters."""
    model = classifier()
    first, second = nn.Linear(64, 64), nn.Linear(64, 64)
    second.weight, second.bias = first.weight, first.bias
    return nn.Sequential(*model[:-1], first, nn.ReLU(), second)


def as_batch(samples):
    """Return a batch that is no pair of tensors."""
    images, classes = zip(*samples, strict=True)
    return {"batch": Batch(torch.stack(images), torch.tensor(classes))}


def smoothed_loss(model, batch, criterion):
    """Return the loss of a batch of ``as_batch``."""
    assert type(batch["batch"]) is Batch
    return criterion(model(batch["batch"].images), batch["batch"].classes)


def two_models():
    """Return an encoder and a decoder."""
    return nn.ModuleDict(
        {
            "encoder": nn.Sequential(*convolutions(3, 32, 64)),
            "decoder": nn.Sequential(*convolutions(64, 32), nn.Conv2d(32, 3, 1)),
        }
    )


def reconstruction(encoder, decoder, images):
    """Return the loss of images that are encoded and decoded."""
    return (decoder(encoder(images)) - images).square().mean()


def two_updates(context, batch):
    """Train the decoder on one half of the batch, and both models on all of it."""
    encoder, decoder = context.model["encoder"], context.model["decoder"]
    images, _ = batch
    for optimizer in context.optimizers:
        optimizer.zero_grad()
    with context.accumulating():
        half = context.forward(reconstruction, encoder, decoder, images[::2])
        context.backward(half)
    loss = context.forward(reconstruction, encoder, decoder, images)
    context.backward(loss)
    for optimizer in context.optimizers:
        context.update(optimizer.step)
    return loss
