"""A detector of torchvision, whose model returns a dict of losses while it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from traingate import TrainingSetup

if TYPE_CHECKING:
    import torch


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        pixels: Height and width of an image.
        batch_size: Samples per step.
    """

    pixels: int
    batch_size: int


SIZES = {"smoke": Size(96, 2), "quick": Size(320, 2), "seed": Size(800, 4)}
CLASSES = 5
BOXES = 3


class RandomScenes:
    """Ten thousand random images with three boxes each, the same boxes for the same index."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        import torch  # noqa: PLC0415 - only in the worker

        generator = torch.Generator().manual_seed(index)
        image = torch.rand((3, self._pixels, self._pixels), generator=generator)
        corners = torch.rand((BOXES, 2), generator=generator) * self._pixels / 2
        sides = (0.1 + torch.rand((BOXES, 2), generator=generator)) * self._pixels / 3
        labels = torch.randint(1, CLASSES, (BOXES,), generator=generator)
        return image, {"boxes": torch.cat([corners, corners + sides], dim=1), "labels": labels}


def as_lists(samples: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the images of a batch and their targets, which are not stacked."""
    images, targets = zip(*samples, strict=True)
    return list(images), list(targets)


def sum_of_losses(model: Any, batch: Any, _criterion: Any) -> torch.Tensor:
    """Return the sum of the losses that the model returns for images and targets."""
    images, targets = batch
    losses: dict[str, torch.Tensor] = model(images, targets)
    return sum(losses.values(), start=images[0].new_zeros(()))


def detector(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of Faster R-CNN on MobileNet V3 with SGD.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker
    from torchvision.models.detection import (  # noqa: PLC0415 - only in the worker
        fasterrcnn_mobilenet_v3_large_320_fpn,
    )

    size = SIZES[scale]
    model = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=CLASSES,
        trainable_backbone_layers=6,
        min_size=size.pixels,
        max_size=size.pixels,
    )
    return TrainingSetup(
        model=model,
        criterion=None,
        optimizer=torch.optim.SGD(model.parameters(), lr=1e-3),
        dataset=RandomScenes(size.pixels),
        batch_size=batch_size or size.batch_size,
        collate_fn=as_lists,
        train_step=sum_of_losses,
    )
