"""Change all tensors of a batch, however a dataset nests them."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from copy import copy
from typing import Any


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
