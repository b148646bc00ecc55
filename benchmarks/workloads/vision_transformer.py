"""A vision transformer (ViT) of torchvision on random images."""

from __future__ import annotations

from typing import NamedTuple

from traingate import TrainingSetup
from workloads.resnet import RandomImages


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        pixels: Height and width of an image.
        patch: Height and width of a patch.
        layers: Number of encoder layers.
        width: Number of features of a patch.
        batch_size: Samples per step.
    """

    pixels: int
    patch: int
    layers: int
    width: int
    batch_size: int


SIZES = {
    "smoke": Size(32, 8, 2, 64, 4),
    "quick": Size(224, 32, 6, 384, 8),
    "seed": Size(224, 16, 12, 768, 32),
}
CLASSES = 10


def vision_transformer(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of a ViT with cross-entropy and AdamW.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker
    from torchvision.models import VisionTransformer  # noqa: PLC0415 - only in the worker

    size = SIZES[scale]
    model = VisionTransformer(
        image_size=size.pixels,
        patch_size=size.patch,
        num_layers=size.layers,
        num_heads=size.width // 64,
        hidden_dim=size.width,
        mlp_dim=4 * size.width,
        num_classes=CLASSES,
    )
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-4),
        dataset=RandomImages(size.pixels),
        batch_size=batch_size or size.batch_size,
    )
