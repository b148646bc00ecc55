"""How samples reach the model: the batch size and the processes that load the data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer, Training
from traingate.protocol.json_values import JSON


@dataclass(frozen=True)
class BatchSize(BaseLayer):
    """Train with another batch size.

    Attributes:
        samples: per batch, at least 1. A workload with a ``batch_size`` parameter gets it.
    """

    samples: int
    name = "batch_size"
    order = 100
    mathematics = "gradients average another number of samples"
    loss_tolerance = None

    def __post_init__(self) -> None:
        _require_count("batch_size", self.samples, least=1)

    def workload_arguments(self) -> dict[str, JSON]:
        """Return the batch size, for a workload with a ``batch_size`` parameter."""
        return {"batch_size": self.samples}

    def apply(self, training: Training) -> None:
        """Set the batch size of the loader."""
        training.batch_size = self.samples


@dataclass(frozen=True)
class DataWorkers(BaseLayer):
    """Load the data in ``count`` processes beside the training (``num_workers``)."""

    count: int = 1
    name = "data_workers"
    order = 200

    def __post_init__(self) -> None:
        _require_count("data_workers", self.count, least=0)

    def apply(self, training: Training) -> None:
        """Set ``num_workers``, and free the workers from the main thread's core."""
        _load_in(self.count, training)


@dataclass(frozen=True)
class PrefetchingLoader(BaseLayer):
    """Data workers that live as long as the training, and fetch ahead.

    Attributes:
        workers: processes, at least 1.
        batches: that each of them fetches ahead (``prefetch_factor``), at least 1.
    """

    workers: int = 1
    batches: int = 4
    name = "prefetching_loader"
    order = 210

    @property
    def conflicts(self) -> dict[str, str]:
        """Both set the number of workers."""
        return {"data_workers": "both set the number of workers"}

    def __post_init__(self) -> None:
        _require_count("prefetching_loader", self.workers, least=1)
        _require_count("prefetching_loader", self.batches, least=1)

    def apply(self, training: Training) -> None:
        """Set ``num_workers``, ``persistent_workers`` and ``prefetch_factor``."""
        _load_in(self.workers, training)
        training.loader_options |= {"persistent_workers": True, "prefetch_factor": self.batches}


def _load_in(workers: int, training: Training) -> None:
    """Load in that many processes, and free them from the main thread's core."""
    training.loader_options["num_workers"] = workers
    if workers > 0 and training.cores:
        training.loader_options["worker_init_fn"] = partial(_unbind, training.cores)


def _unbind(cores: frozenset[int], _worker_id: int) -> None:
    """In a data worker: leave the one core that its parent's main thread is bound to.

    OMP_PROC_BIND binds that thread, and a fork inherits it: all data workers would share the
    core that trains.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _require_count(layer: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(
            f"{layer} takes a whole number of at least {least}, not {value!r}. Give it as "
            f'@pytest.mark.parametrize("{layer}", [...], indirect=True).'
        )
