"""Define the layer that changes the memory format of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers._tensors import map_tensors
from traingate.layers.base import BaseLayer
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training

_SCOPES = ("model_and_input", "input")

_TO_CHANNELS_LAST = '''
def to_channels_last(tensor):
    """Return *tensor* in NHWC order if it has four dimensions."""
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor
'''


@dataclass(frozen=True)
class ChannelsLast(BaseLayer):
    """Layer that puts four-dimensional tensors into NHWC order, which oneDNN's convolutions prefer.

    Tensors with another number of dimensions stay as they are.

    Attributes:
        scope: Tensors that are converted: ``model_and_input``, or ``input`` for the batch alone,
            as in the article that docs/evidence/layers.md cites.
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
        """Convert the model now if it is in the scope, and each batch inside the timed step."""
        import torch  # noqa: PLC0415 - only in the worker

        def convert(tensor: Any) -> Any:
            return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor  # noqa: PLR2004 - NCHW

        if self.scope == "model_and_input":
            model: Any = training.model  # in torch 2.8, stubs have no overload for this
            training.model = model.to(memory_format=torch.channels_last)
        training.batch_transforms.append(partial(map_tensors, convert))

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the lines that convert the model, if it is in the scope, and each batch."""
        converts_model = self.scope == "model_and_input"
        return Recipe(
            functions=(_TO_CHANNELS_LAST,),
            model=("model = model.to(memory_format=torch.channels_last)",) * converts_model,
            tensor_changes=("to_channels_last",),
        )
