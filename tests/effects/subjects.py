"""Small trainings with seeded data."""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import replace
from pathlib import Path

from traingate import TrainingSetup

HERE = Path(__file__).parent
PIXELS = 32
CLASSES = 10
CHANNELS = (32, 64, 64)


class SeededImages:
    """Data set with the same image for an index in every process."""

    def __len__(self):
        return 100_000

    def __getitem__(self, index):
        import torch

        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, PIXELS, PIXELS, generator=generator), index % CLASSES


class FewImages(SeededImages):
    """Data set of two batches, after which the loader starts again."""

    def __len__(self):
        return 16


class GrowingImages(SeededImages):
    """Data set in which each batch has larger images, so that each step needs a new compilation."""

    def __getitem__(self, index):
        import torch

        pixels = PIXELS + index // 8
        return torch.randn(3, pixels, pixels), index % CLASSES


def small_net(batch_size: int = 8) -> TrainingSetup:
    """Return a training of convolutions with batch norm, which compiles in a short time."""
    import torch
    from torch import nn

    channels = (3, *CHANNELS)
    blocks = [
        nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU())
        for before, after in itertools.pairwise(channels)
    ]
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(CHANNELS[-1], CLASSES))
    model = nn.Sequential(*blocks, *head)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, SeededImages(), batch_size)


class TinyImages(SeededImages):
    """Data set of images that also a slow kernel convolves in a moment."""

    def __getitem__(self, index):
        import torch

        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, 16, 16, generator=generator), index % CLASSES


def tiny_images_net() -> TrainingSetup:
    """Return ``small_net`` on small images: some CPUs convolve slowly in fp16, and in bf16."""
    return replace(small_net(), dataset=TinyImages())


def linear_net() -> TrainingSetup:
    """Return a training of one linear layer, for tests in which many graphs are compiled."""
    import torch
    from torch import nn

    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, SeededImages(), 8)


class LargeImages(SeededImages):
    """Data set of images so large that the activations of a batch take 64 MiB."""

    def __getitem__(self, index):
        import torch

        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, 256, 256, generator=generator), index % CLASSES


def large_net() -> TrainingSetup:
    """Return a training whose activations are above 32 MiB.

    glibc's malloc with its default settings maps such blocks and unmaps them each time. Below 32 MiB
    its threshold adapts to the blocks that are freed, and a process may have no page faults at all.
    """
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, CLASSES),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, LargeImages(), 8)


class SlowImages(SeededImages):
    """Data set whose images take a time to load, as from a disk or a network.

    Args:
        seconds: Time for one image, in seconds.
    """

    def __init__(self, seconds: float):
        self._seconds = seconds

    def __getitem__(self, index):
        time.sleep(self._seconds)
        return super().__getitem__(index)


def loading_net(seconds: float = 0.0015) -> TrainingSetup:
    """Return a training that computes about as long as it takes to load a batch of 8 images."""
    setup = small_net()
    return replace(setup, dataset=SlowImages(seconds))


def slowly_loading_net() -> TrainingSetup:
    """Return the same training with a loader that takes twenty times as long."""
    return loading_net(0.03)


def eager_net() -> TrainingSetup:
    """Return a training whose step calls a method of the model, and never the model itself."""
    from torch import nn

    class Scoring(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def scores(self, images):
            return self.net(images)

    setup = small_net()

    def train_step(model, batch, criterion):
        return criterion(model.scores(batch[0]), batch[1])

    return TrainingSetup(
        Scoring(setup.model),
        setup.criterion,
        setup.optimizer,
        setup.dataset,
        8,
        train_step=train_step,
    )


def with_adagrad() -> TrainingSetup:
    """Return a training whose optimizer has a state tensor for each parameter from the start."""
    import torch

    setup = small_net()
    optimizer = torch.optim.Adagrad(setup.model.parameters())
    return TrainingSetup(setup.model, setup.criterion, optimizer, setup.dataset, 8)


def few_images_net() -> TrainingSetup:
    """Return a training with ``FewImages``."""
    setup = small_net()
    return TrainingSetup(
        setup.model, setup.criterion, setup.optimizer, FewImages(), setup.batch_size
    )


def growing_images_net() -> TrainingSetup:
    """Return a training with ``GrowingImages``."""
    return replace(linear_net(), dataset=GrowingImages())


def dying_in_rank_one() -> TrainingSetup:
    """Return a training whose rank 1 is killed in its fourth step, as if memory ran out."""
    setup = small_net()
    steps = []

    def train_step(model, batch, criterion):
        steps.append(1)
        if len(steps) == 4 and os.environ.get("RANK") == "1":
            print("rank 1 is about to be killed", flush=True)
            os.kill(os.getpid(), 9)
        return criterion(model(batch[0]), batch[1])

    return TrainingSetup(
        setup.model, setup.criterion, setup.optimizer, setup.dataset, 8, train_step=train_step
    )


def with_adam() -> TrainingSetup:
    """Return a training with AdamW."""
    import torch

    setup = small_net()
    optimizer = torch.optim.AdamW(setup.model.parameters(), lr=1e-4, weight_decay=0.02)
    return TrainingSetup(setup.model, setup.criterion, optimizer, setup.dataset, 8)


def with_rprop() -> TrainingSetup:
    """Return a training with Rprop, which has no fused form."""
    import torch

    setup = small_net()
    optimizer = torch.optim.Rprop(setup.model.parameters())
    return TrainingSetup(setup.model, setup.criterion, optimizer, setup.dataset, 8)


def with_sparse_adam() -> TrainingSetup:
    """Return a training with SparseAdam, which has no foreach form."""
    import torch

    setup = small_net()
    optimizer = torch.optim.SparseAdam(list(setup.model.parameters()))
    return TrainingSetup(setup.model, setup.criterion, optimizer, setup.dataset, 8)


def deep_net() -> TrainingSetup:
    """Return a training of blocks, each with large activations inside of it."""
    import torch
    from torch import nn

    def block():
        layers = [each for _ in range(4) for each in (nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())]
        return nn.Sequential(*layers)

    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), block(), block(), block(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(16, CLASSES),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, MediumImages(), 4)


class MediumImages(SeededImages):
    """Data set of images that are large beside the weights."""

    def __getitem__(self, index):
        import torch

        generator = torch.Generator().manual_seed(index)
        return torch.randn(3, 96, 96, generator=generator), index % CLASSES


class SequencesOfTwoLengths(SeededImages):
    """Data set in which every second batch of 8 has longer sequences."""

    def __getitem__(self, index):
        import torch

        return torch.randn(12 if index // 8 % 2 else 20, 16), index % CLASSES


def two_lengths_net() -> TrainingSetup:
    """Return a training with ``SequencesOfTwoLengths``."""
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, CLASSES))
    return TrainingSetup(
        model=model,
        criterion=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        dataset=SequencesOfTwoLengths(),
        batch_size=8,
        train_step=_mean_over_time,
    )


def _mean_over_time(model, batch, criterion):
    x, y = batch
    return criterion(model(x).mean(1), y)
