"""How tensors lie in memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers._tensors import map_tensors
from traingate.layers.base import BaseLayer, Training

_SCOPES = ("model_and_input", "input")


@dataclass(frozen=True)
class ChannelsLast(BaseLayer):
    """Four-dimensional tensors in NHWC order, which oneDNN's convolutions prefer.

    Attributes:
        scope: ``model_and_input``, or ``input`` for the article's variant, which converts
            the batch alone. Tensors of other dimensions stay as they are.
    """

    scope: str = "model_and_input"
    name = "channels_last"
    order = 300

    def __post_init__(self) -> None:
        if self.scope not in _SCOPES:
            raise ConfigurationError(
                f"channels_last takes one of {', '.join(_SCOPES)}, not {self.scope!r}"
            )

    def apply(self, training: Training) -> None:
        """Convert the model, and each batch as it comes."""
        import torch  # noqa: PLC0415 - only in the worker

        def convert(tensor: Any) -> Any:
            return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor  # noqa: PLR2004 - NCHW

        if self.scope == "model_and_input":
            # stubs lack memory_format alone
            training.model = training.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        training.batch_transforms.append(partial(map_tensors, convert))
