"""Change all tensors of a batch, and check parameters that a layer is to replace."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from copy import copy
from typing import Any

from traingate.errors import ConfigurationError


def map_tensors(change: Callable[[Any], Any], batch: Any) -> Any:
    """Return *batch* with each of its tensors changed, also in lists, tuples and mappings.

    Args:
        change: Function from a tensor to the one that replaces it.
        batch: Batch of any structure. Objects of other types than these stay as they are.
    """
    import torch  # noqa: PLC0415 - only in the worker

    if isinstance(batch, torch.Tensor):
        return change(batch)
    if isinstance(batch, MutableMapping):
        new_batch = copy(batch)  # keeps its type, such as the BatchEncoding of transformers
        for key, value in batch.items():
            new_batch[key] = map_tensors(change, value)
        return new_batch
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(map_tensors(change, value) for value in batch))
    if isinstance(batch, (list, tuple)):
        return type(batch)(map_tensors(change, value) for value in batch)
    return batch


def require_no_hooks(layer: str, parameters: Mapping[str, Any]) -> None:
    """Check that no parameter has a hook, which a parameter in its place would lack.

    Args:
        layer: Name of the layer that replaces the parameters.
        parameters: Parameters of a model, by name.

    Raises:
        ConfigurationError: If a parameter has a hook for its gradient, which may clip it.
    """
    for name, parameter in parameters.items():
        # torch has no public way to ask a tensor for its hooks.
        if parameter._backward_hooks or parameter._post_accumulate_grad_hooks:
            raise ConfigurationError(
                f"{layer} replaces parameters, and {name} has a hook that the new one would lack: "
                "the training would be another one. Move what the hook does into a hook of the "
                "optimizer's step, or into a step of the workload's own"
            )
