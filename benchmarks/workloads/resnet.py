"""The article's training: a ResNet on random images, without any optimisation.

torch is imported inside the functions, because pytest imports this file to collect the tests, and
only the worker calls the functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from traingate import TrainingSetup

if TYPE_CHECKING:
    import torch


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        model: Name of the model in torchvision.
        pixels: Height and width of an image.
        batch_size: Samples per step.
    """

    model: str
    pixels: int
    batch_size: int


SIZES = {
    "smoke": Size("resnet18", 64, 8),
    "quick": Size("resnet50", 224, 8),
    "seed": Size("resnet50", 224, 128),
}


class RandomImages:
    """Data of the article: a million random images with the label ``index % 10``.

    Args:
        pixels: Height and width of an image, which is float32 of shape ``[3, pixels, pixels]``.
    """

    def __init__(self, pixels: int) -> None:
        import torch  # noqa: PLC0415 - see the module's docstring

        self._draw = torch.randn
        self._shape = (3, pixels, pixels)

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self._draw(self._shape), index % 10


def resnet(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of a ResNet with cross-entropy, and SGD at its default learning rate.

    The model is ResNet-50; at scale ``smoke`` it is ResNet-18.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - see the module's docstring
    import torchvision  # noqa: PLC0415 - see the module's docstring

    size = SIZES[scale]
    model = torchvision.models.get_model(size.model)
    return TrainingSetup(
        model=model,
        criterion=torch.nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(model.parameters()),
        dataset=RandomImages(size.pixels),
        batch_size=batch_size or size.batch_size,
    )
