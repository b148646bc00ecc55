"""Run the training loop, and time each step as the whole loop body of a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from torch.utils.data import DataLoader

from traingate.errors import WorkloadError
from traingate.layers.data import describe_missing_batch
from traingate.layers.step_context import StepContext
from traingate.layers.training import StepBody, Training


class Loop:
    """Training loop, whose body is ``step``.

    Args:
        training: Training to which all layers have been applied.
    """

    def __init__(self, training: Training) -> None:
        self._training = training
        self._loader = _loader_of(training)
        self._batches: Iterator[Any] = iter(())
        self._body: StepBody = StepContext(training).take
        for wrap in training.step_wrappers:
            self._body = wrap(self._body)

    def step(self) -> tuple[float, float]:
        """Fetch a batch, transform it, and do zero_grad, forward, loss, backward, optimizer step.

        Returns:
            Seconds of the step, and the part of them spent waiting for the batch.

        Raises:
            WorkloadError: If the dataset has no whole batch, or ``StepContext.take`` raises it.
        """
        training = self._training
        start = time.perf_counter()
        batch = self._next_batch()
        fetch_end = time.perf_counter()
        for transform in training.batch_transforms:
            batch = transform(batch)
        if training.step is None:
            training.optimizer.zero_grad()
        self._body(batch)
        return time.perf_counter() - start, fetch_end - start

    def _next_batch(self) -> Any:
        """Return the next batch; start again at the beginning of the dataset after its end."""
        try:
            return next(self._batches)
        except StopIteration:
            self._batches = iter(self._loader)
        try:
            return next(self._batches)
        except StopIteration:
            raise WorkloadError(describe_missing_batch(self._training)) from None


def _loader_of(training: Training) -> DataLoader[Any]:
    # A shorter last batch would be a step of another size, and compile another graph.
    options = {"drop_last": True, **training.loader_options}
    dataset: Any = training.dataset
    return DataLoader(dataset, batch_size=training.batch_size, **options)
