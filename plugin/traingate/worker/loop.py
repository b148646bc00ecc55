"""Run the training loop, and time each step as the whole loop body of a script."""

from __future__ import annotations

import math
import multiprocessing
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Final

from torch.utils.data import DataLoader, IterableDataset

from traingate.errors import WorkloadError
from traingate.layers.data import describe_missing_batch
from traingate.layers.step_context import StepContext
from traingate.layers.training import StepBody, Training

_MAX_TASKS: Final = 4
"""Largest number of threads and processes that are taken for loaders of data. Not all of them need
to be, and each makes the turns of a duet longer."""


_IDLE_SECONDS: Final = 1e-4
"""Largest time on a processor of a thread that only waits. It runs for a moment when the process is
stopped and continued."""


class Loop:
    """Training loop, whose body is ``step``.

    Args:
        training: Training to which all layers have been applied.
        older_threads: Threads that ran before the workload was imported.

    Attributes:
        restarts: Number of times that the dataset was started again at its end.
        loss: Loss of the last batch, which is kept until the next one, as in a script.
    """

    def __init__(self, training: Training, older_threads: Collection[Thread]) -> None:
        self.restarts = 0
        self.loss: Any = None
        self._older_threads = older_threads
        self._thread_seconds: dict[Thread, float] = {}
        self._training = training
        self._loader = _loader_of(training)
        self._clock = _PhaseClock()
        self._batches: Iterator[Any] = iter(())
        self._has_started = False
        self._batch: Any = None
        end_phase = self._clock.end_phase if training.has_phases else None
        self._body: StepBody = StepContext(training, end_phase).take
        for wrap in training.step_wrappers:
            self._body = wrap(self._body)

    @property
    def epoch_steps(self) -> int | None:
        """Return the number of steps in one pass over the dataset; None if it has no length."""
        if isinstance(self._training.dataset, IterableDataset):  # its length may be wrong
            return None
        return len(self._loader) // self._training.accumulation

    def background_tasks(self) -> int:
        """Return the number of data workers, or else of threads and processes that may load data.

        A dataset or a step can start these by itself. Python's own are counted, if they are younger
        than the import of the workload and have worked since the last call: after it has compiled,
        inductor keeps threads that only wait.
        """
        if self._loader.num_workers:
            return int(self._loader.num_workers)
        threads = [each for each in threading.enumerate() if each not in self._older_threads]
        earlier, self._thread_seconds = self._thread_seconds, {}
        active = 0
        for thread in threads:
            seconds = self._thread_seconds[thread] = _processor_seconds(thread)
            is_idle = seconds - earlier.get(thread, -math.inf) <= _IDLE_SECONDS
            active += not is_idle
        return min(_MAX_TASKS, active + len(multiprocessing.active_children()))

    @property
    def prefetched_batches(self) -> int:
        """Return the number of batches that the loader fetches ahead."""
        return int(self._loader.num_workers) * int(self._loader.prefetch_factor or 0)

    def step(self) -> tuple[float, dict[str, float]]:
        """Fetch a batch, transform it, and do zero_grad, forward, loss, backward, optimizer step.

        If gradients are accumulated, the step has several batches, and one update.

        Returns:
            Seconds of the step, and its parts by phase, which add up to it: ``data`` (waiting for
            the batch), ``transfer`` (``batch_transforms``), ``forward`` (with the loss),
            ``backward``, ``optimizer`` (with ``zero_grad``) and ``other``. Where ``has_phases`` is
            False, forward, backward and update are all in ``other``.

        Raises:
            WorkloadError: If the dataset has no whole batch, or ``StepContext.take`` raises it.
        """
        training, clock = self._training, self._clock
        clock.start()
        for number in range(training.accumulation):
            # As in a script, a batch is freed when the next one takes its place.
            self._batch = self._next_batch()
            clock.end_phase("data")
            for transform in training.batch_transforms:
                self._batch = transform(self._batch)
            clock.end_phase("transfer")
            if training.step is None and number == 0:
                training.optimizer.zero_grad()
                if training.has_phases:
                    clock.end_phase("optimizer")
            self.loss = self._body(self._batch)
        return clock.stop()

    @contextmanager
    def marking(self, mark: Callable[[str], None]) -> Iterator[None]:
        """Call *mark* with the name of each phase at its end, until the context is left."""
        self._clock.mark = mark
        try:
            yield
        finally:
            self._clock.mark = None

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
            if self.restarts:
                raise WorkloadError(
                    "the dataset ended, and gave no batch when it was read again from its start: "
                    "its __iter__ must start anew each time, or it needs as many samples as all "
                    "steps take together"
                ) from None
            raise WorkloadError(describe_missing_batch(self._training)) from None


class _PhaseClock:
    """Clock that divides a step into phases.

    Attributes:
        mark: Function that is called at the end of each phase; None while steps are timed.
    """

    def __init__(self) -> None:
        self.mark: Callable[[str], None] | None = None
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
        if self.mark is not None:
            self.mark(phase)

    def stop(self) -> tuple[float, dict[str, float]]:
        """Return the seconds of the step, and those of its phases."""
        self.end_phase("other")
        return self._last - self._start, self._seconds


def _loader_of(training: Training) -> DataLoader[Any]:
    # A shorter last batch would be a step of another size, and compile another graph.
    options = {"drop_last": True, **training.loader_options}
    dataset: Any = training.dataset
    return DataLoader(dataset, batch_size=training.batch_size, **options)


def _processor_seconds(thread: Thread) -> float:
    """Return how long a thread has run on a processor; not a number if the kernel does not tell."""
    try:
        statistics = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text()
        return int(statistics.split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return math.nan
