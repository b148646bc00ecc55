"""Compute the loss of a batch ``(x, y)``, and check batches and losses.

The worker imports this module under an interpreter that may have nothing but torch installed.
"""

from __future__ import annotations

from typing import Any

from traingate.errors import WorkloadError


def pair_loss(model: Any, batch: Any, criterion: Any) -> Any:
    """Return ``criterion(model(x), y)`` for a batch ``(x, y)``."""
    inputs, targets = batch
    return criterion(model(inputs), targets)


def check_pair(batch: Any) -> None:
    """Check that *batch* is a pair (x, y): a tuple or a list of two.

    One tensor of two samples and a mapping of two keys could be unpacked too, as something else.

    Raises:
        WorkloadError: If it is not.
    """
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:  # noqa: PLR2004 - a pair
        kind = type(batch).__name__
        size = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
        raise WorkloadError(
            f"a batch of this dataset is no pair (x, y) but a {kind}{size}: give TrainingSetup a "
            "train_step"
        )


def check_loss(loss: Any) -> None:
    """Raise a WorkloadError if *loss* is not a tensor."""
    import torch  # noqa: PLC0415 - only in the worker

    if not isinstance(loss, torch.Tensor):
        raise WorkloadError(f"train_step returned {type(loss).__name__}, not the loss tensor")
