"""A generative adversarial network: two models, each with an optimizer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from traingate import StepContext, TrainingSetup
from workloads.resnet import RandomImages

if TYPE_CHECKING:
    import torch

NOISE = 64


class Size(NamedTuple):
    """Size of the workload at one scale.

    Attributes:
        width: Number of channels of the widest convolution.
        batch_size: Samples per step.
    """

    width: int
    batch_size: int


SIZES = {"smoke": Size(32, 4), "quick": Size(256, 32), "seed": Size(512, 128)}
PIXELS = 32


def _generator(width: int) -> Any:
    """Return the generator, whose input is noise of shape ``[batch, NOISE, 1, 1]``."""
    from torch import nn  # noqa: PLC0415 - only in the worker

    def stage(inputs: int, outputs: int) -> list[Any]:
        return [
            nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]

    return nn.Sequential(
        nn.ConvTranspose2d(NOISE, width, 4),
        nn.ReLU(),
        *stage(width, width // 2),
        *stage(width // 2, width // 4),
        nn.ConvTranspose2d(width // 4, 3, 4, 2, 1),
        nn.Tanh(),
    )


def _discriminator(width: int) -> Any:
    """Return the discriminator, whose input are images."""
    from torch import nn  # noqa: PLC0415 - only in the worker

    def stage(inputs: int, outputs: int) -> list[Any]:
        return [
            nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.LeakyReLU(0.2),
        ]

    return nn.Sequential(
        nn.Conv2d(3, width // 4, 4, 2, 1),
        nn.LeakyReLU(0.2),
        *stage(width // 4, width // 2),
        *stage(width // 2, width),
        nn.Conv2d(width, 1, 4),
        nn.Flatten(),
    )


def _score_loss(discriminator: Any, images: Any, target: float) -> Any:
    """Return the loss of the discriminator's scores, which should have the sign of the target."""
    import torch  # noqa: PLC0415 - only in the worker

    scores = discriminator(images).float()
    targets = torch.full_like(scores, target)
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, targets)


def _step(context: StepContext, batch: Any) -> torch.Tensor:
    """Train first the discriminator, and then the generator."""
    import torch  # noqa: PLC0415 - only in the worker

    generator, discriminator = context.model["generator"], context.model["discriminator"]
    generator_optimizer, discriminator_optimizer = context.optimizers
    real, _ = batch
    noise = torch.randn(len(real), NOISE, 1, 1, device=real.device)
    fake = context.forward(generator, noise)

    discriminator_optimizer.zero_grad()
    real_loss = context.forward(_score_loss, discriminator, real, 1.0)
    fake_loss = context.forward(_score_loss, discriminator, fake.detach(), 0.0)
    context.backward(real_loss + fake_loss)
    context.update(discriminator_optimizer.step)

    generator_optimizer.zero_grad()
    loss: torch.Tensor = context.forward(_score_loss, discriminator, fake, 1.0)
    context.backward(loss)
    context.update(generator_optimizer.step)
    return loss


def gan(scale: str = "quick", batch_size: int | None = None) -> TrainingSetup:
    """Return the training of a DCGAN with Adam.

    Args:
        scale: A key of ``SIZES``.
        batch_size: Samples per step; None for the batch size of the scale.
    """
    import torch  # noqa: PLC0415 - only in the worker

    size = SIZES[scale]
    models = torch.nn.ModuleDict(
        {"generator": _generator(size.width), "discriminator": _discriminator(size.width)}
    )
    return TrainingSetup(
        model=models,
        criterion=None,
        optimizer=[
            torch.optim.Adam(model.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for model in models.values()
        ],
        dataset=RandomImages(PIXELS),
        batch_size=batch_size or size.batch_size,
        step=_step,
    )
