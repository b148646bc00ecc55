"""Run the training loop, and time each step as the whole loop body of a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch.utils.data import DataLoader

from traingate.errors import WorkloadError
from traingate.layers.base import StepBody, Training


class Loop:
    """Training loop, whose body is ``step``.

    Args:
        training: Training to which all layers have been applied.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self._loader = _loader_of(training)
        self._batches: Iterator[Any] = iter(())
        self._body: StepBody = self._train
        for wrap in training.step_wrappers:
            self._body = wrap(self._body)

    def step(self) -> tuple[float, float]:
        """Fetch a batch, transform it, and do zero_grad, forward, loss, backward, optimizer step.

        Returns:
            Seconds of the step, and the part of them spent waiting for the batch.

        Raises:
            WorkloadError: If the dataset has no whole batch, or ``loss_of`` raises it.
        """
        training = self._training
        start = time.perf_counter()
        batch = self._next_batch()
        fetch_end = time.perf_counter()
        for transform in training.batch_transforms:
            batch = transform(batch)
        training.optimizer.zero_grad()
        self._body(batch)
        return time.perf_counter() - start, fetch_end - start

    def _train(self, batch: Any) -> torch.Tensor:
        """Do forward, loss, backward and the optimizer's step, and return the loss."""
        training = self._training
        with ExitStack() as contexts:
            for context in training.contexts:
                contexts.enter_context(context())
            loss: Any = loss_of(training.train_step, training.model, batch, training.criterion)
        loss.backward()
        training.optimizer.step()
        return loss  # type: ignore[no-any-return]

    def _next_batch(self) -> Any:
        """Return the next batch; start again at the beginning of the dataset after its end."""
        try:
            return next(self._batches)
        except StopIteration:
            self._batches = iter(self._loader)
        try:
            return next(self._batches)
        except StopIteration:
            raise WorkloadError(
                f"the dataset has no whole batch of {self._training.batch_size} samples"
            ) from None


def loss_of(train_step: Any, model: Any, batch: Any, criterion: Any) -> torch.Tensor:
    """Return the loss of *batch*, by *train_step*, or as ``criterion(model(x), y)`` if it is None.

    Raises:
        WorkloadError: If the batch is not a pair (x, y) but must be, or the loss is not a tensor.
    """
    if train_step is not None:
        loss = train_step(model, batch, criterion)
    else:
        try:
            inputs, targets = batch
        except (TypeError, ValueError) as error:
            raise WorkloadError(
                "a batch of this dataset is no pair (x, y): give TrainingSetup a train_step"
            ) from error
        loss = criterion(model(inputs), targets)
    if not isinstance(loss, torch.Tensor):
        raise WorkloadError(f"train_step returned {type(loss).__name__}, not the loss tensor")
    return loss


def _loader_of(training: Training) -> DataLoader[Any]:
    # A shorter last batch would be a step of another size, and compile another graph.
    options = {"drop_last": True, **training.loader_options}
    dataset: Any = training.dataset
    return DataLoader(dataset, batch_size=training.batch_size, **options)
