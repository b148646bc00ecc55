"""Define the layers that change how samples reach the model: batch size and data workers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training
from traingate.protocol.json_values import JSON


@dataclass(frozen=True)
class BatchSize(BaseLayer):
    """Layer that trains with another batch size.

    Attributes:
        samples: Samples per batch, at least 1. A workload with the parameter ``batch_size`` gets it
            as an argument too.
    """

    samples: int
    name = "batch_size"
    order = 100
    mathematics = "gradients average another number of samples"
    loss_tolerance = None

    def __post_init__(self) -> None:
        _require_count("batch_size", self.samples, least=1)

    def workload_arguments(self) -> dict[str, JSON]:
        """Return the batch size, for a workload with the parameter ``batch_size``."""
        return {"batch_size": self.samples}

    def apply(self, training: Training) -> None:
        """Set the batch size of the loader."""
        training.batch_size = self.samples

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the argument of the loader."""
        return Recipe(loader={"batch_size": str(self.samples)})


@dataclass(frozen=True)
class DataWorkers(BaseLayer):
    """Layer that loads data in processes of their own, in parallel with the training.

    Attributes:
        count: Number of these processes (``num_workers`` of the ``DataLoader``), at least 0;
            with 0, the data are loaded in the process of the training.
    """

    count: int = 1
    name = "data_workers"
    order = 200

    def __post_init__(self) -> None:
        _require_count("data_workers", self.count, least=0)

    def apply(self, training: Training) -> None:
        """Set ``num_workers``, and let the data workers run on all cores of this process."""
        _set_data_workers(self.count, training)

    def recipe(self, surroundings: Surroundings) -> Recipe:
        """Return the arguments of the loader."""
        return _data_workers_recipe(self.count, surroundings)


@dataclass(frozen=True)
class PrefetchingLoader(BaseLayer):
    """Layer that loads data in processes that live as long as the training and fetch ahead.

    Attributes:
        workers: Number of these processes (``num_workers`` of the ``DataLoader``), at least 1.
        batches: Number of batches that each process fetches ahead (``prefetch_factor``), at
            least 1.
    """

    workers: int = 1
    batches: int = 4
    name = "prefetching_loader"
    order = 210

    @property
    def conflicts(self) -> dict[str, str]:
        """Return ``data_workers``, which sets the number of workers too."""
        return {"data_workers": "both set the number of workers"}

    def __post_init__(self) -> None:
        _require_count("prefetching_loader", self.workers, least=1)
        _require_count("prefetching_loader", self.batches, least=1)

    def apply(self, training: Training) -> None:
        """Set ``num_workers``, ``persistent_workers`` and ``prefetch_factor``."""
        _set_data_workers(self.workers, training)
        training.loader_options |= {"persistent_workers": True, "prefetch_factor": self.batches}

    def recipe(self, surroundings: Surroundings) -> Recipe:
        """Return the arguments of the loader."""
        options = {"persistent_workers": "True", "prefetch_factor": str(self.batches)}
        return _data_workers_recipe(self.workers, surroundings).and_then(Recipe(loader=options))


def describe_missing_batch(training: Training) -> str:
    """Return why the loader of *training* has no whole batch, and what to change.

    Args:
        training: Training whose loader ended before its first batch. With data workers, an iterable
            dataset may have enough samples for a batch and none of its shares.
    """
    samples = f"whole batch of {training.batch_size} samples"
    workers = training.loader_options.get("num_workers", 0)
    if workers > 1 and _is_iterable(training.dataset):
        return (
            f"none of the {workers} data workers has a {samples}: each of them makes batches of "
            "its own share of the iterable dataset and drops what is left over. Use fewer data "
            "workers, a smaller batch size, or a longer dataset"
        )
    if "sampler" in training.loader_options:
        share = len(training.loader_options["sampler"])
        return (
            f"the dataset has no {samples} for each rank, whose share is {share} samples: use "
            "fewer ranks, a smaller batch size, or a longer dataset"
        )
    return f"the dataset has no {samples}"


def _is_iterable(dataset: object) -> bool:
    """Return whether each data worker reads all of *dataset*, or the share that it chooses."""
    from torch.utils.data import IterableDataset  # noqa: PLC0415 - only in the worker

    return isinstance(dataset, IterableDataset)


def _set_data_workers(count: int, training: Training) -> None:
    """Set the number of data workers, and let them run on all cores of this process."""
    training.loader_options["num_workers"] = count
    if count > 0 and training.cores:
        training.loader_options["worker_init_fn"] = partial(_unbind, training.cores)


def _unbind(cores: frozenset[int], _worker_id: int) -> None:
    """Let a data worker, which calls this at its start, run on all of *cores*.

    ``OMP_PROC_BIND`` binds the main thread of the training to one core, and a forked process
    inherits that: all data workers would share the core of the main thread.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


_USE_ALL_CORES = '''
def use_all_cores(cores, _worker):
    """Undo the binding to the core of the main thread, which a data worker inherits."""
    os.sched_setaffinity(0, cores)
'''


def _data_workers_recipe(count: int, surroundings: Surroundings) -> Recipe:
    """Return the recipe of data workers, which are unbound if OpenMP binds the main thread."""
    recipe = Recipe(loader={"num_workers": str(count)})
    if count == 0 or not surroundings.binds_threads:
        return recipe
    return recipe.and_then(
        Recipe(
            imports=("import os", "from functools import partial"),
            before_torch=(
                "cores = os.sched_getaffinity(0)  # OpenMP will bind this thread to one of them",
            ),
            functions=(_USE_ALL_CORES,),
            loader={"worker_init_fn": "partial(use_all_cores, cores)"},
        )
    )


def _require_count(layer: str, value: object, least: int) -> None:
    """Raise a ConfigurationError if *value* is not a whole number of at least *least*."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ConfigurationError(
            f"{layer} takes a whole number of at least {least}, not {value!r}. Give it as "
            f'@pytest.mark.parametrize("{layer}", [...], indirect=True).'
        )
