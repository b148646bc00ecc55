"""Run the training loop, and time each step as the whole loop body of a script."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import torch
from torch.utils.data import DataLoader, IterableDataset

from traingate.errors import WorkloadError
from traingate.layers.base import StepBody, Training


class Loop:
    """Training loop, whose body is ``step``.

    Args:
        training: Training to which all layers have been applied.

    Attributes:
        restarts: Number of times that the dataset was started again at its end.
    """

    def __init__(self, training: Training) -> None:
        self.restarts = 0
        self._training = training
        self._loader = _loader_of(training)
        self._clock = _PhaseClock()
        self._end_phase = self._clock.end_phase if training.has_phases else _ignore_phase
        self._batches: Iterator[Any] = iter(())
        self._has_started = False
        self._body: StepBody = self._train
        for wrap in training.step_wrappers:
            self._body = wrap(self._body)

    @property
    def epoch_steps(self) -> int | None:
        """Return the number of batches in one pass over the dataset; None if it has no length."""
        if isinstance(self._training.dataset, IterableDataset):  # its length may be wrong
            return None
        return len(self._loader)

    @property
    def prefetched_batches(self) -> int:
        """Return the number of batches that the loader fetches ahead."""
        return self._loader.num_workers * (self._loader.prefetch_factor or 0)

    def step(self) -> tuple[float, dict[str, float]]:
        """Fetch a batch, transform it, and do zero_grad, forward, loss, backward, optimizer step.

        Returns:
            Seconds of the step, and its parts by phase, which add up to it: ``data`` (waiting for
            the batch), ``transfer`` (``batch_transforms``), ``forward`` (with the loss),
            ``backward``, ``optimizer`` (with ``zero_grad``) and ``other``. Where ``has_phases`` is
            False, forward, backward and update are all in ``other``.

        Raises:
            WorkloadError: If the dataset has no whole batch, or ``loss_of`` raises it.
        """
        training, clock = self._training, self._clock
        clock.start()
        batch = self._next_batch()
        clock.end_phase("data")
        for transform in training.batch_transforms:
            batch = transform(batch)
        clock.end_phase("transfer")
        training.optimizer.zero_grad()
        self._end_phase("optimizer")
        self._body(batch)
        return clock.stop()

    def _train(self, batch: Any) -> torch.Tensor:
        """Do forward, loss, backward and the optimizer's step, and return the loss."""
        training = self._training
        with ExitStack() as contexts:
            for context in training.contexts:
                contexts.enter_context(context())
            loss: Any = loss_of(training.train_step, training.model, batch, training.criterion)
        self._end_phase("forward")
        loss.backward()
        self._end_phase("backward")
        training.optimizer.step()
        self._end_phase("optimizer")
        return loss  # type: ignore[no-any-return]

    def _next_batch(self) -> Any:
        """Return the next batch; start again at the beginning of the dataset after its end."""
        try:
            return next(self._batches)
        except StopIteration:
            self.restarts += self._has_started
            self._has_started = True
            self._batches = iter(self._loader)
        try:
            return next(self._batches)
        except StopIteration:
            raise WorkloadError(
                f"the dataset has no whole batch of {self._training.batch_size} samples"
            ) from None


class _PhaseClock:
    """Clock that divides a step into phases."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._start = self._last = 0.0

    def start(self) -> None:
        """Start a step."""
        self._seconds = {}
        self._start = self._last = time.perf_counter()

    def end_phase(self, phase: str) -> None:
        """Add the time since the last phase ended to *phase*."""
        now = time.perf_counter()
        self._seconds[phase] = self._seconds.get(phase, 0.0) + now - self._last
        self._last = now

    def stop(self) -> tuple[float, dict[str, float]]:
        """Return the seconds of the step, and those of its phases."""
        self.end_phase("other")
        return self._last - self._start, self._seconds


def _ignore_phase(_phase: str) -> None:
    """Do nothing, where the phases of the body cannot be told apart."""


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
