"""Define the layer that trains in several ranks of one process group, each on its own cores."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from traingate.errors import ConfigurationError
from traingate.host.cpu import numa_nodes, physical_cores
from traingate.host.shared_libraries import find_program
from traingate.layers.base import BaseLayer, ProcessRequest, Ranks
from traingate.layers.ipex import missing_ipex
from traingate.layers.training import Training
from traingate.protocol import ranks

_LAUNCHERS = ("torchrun", "ipexrun")


def _numa_node_count() -> int:
    """Return the number of NUMA nodes with cores that this process may use."""
    return len(numa_nodes())


@dataclass(frozen=True)
class DataParallel(BaseLayer):
    """Layer that trains by DistributedDataParallel.

    Each rank trains on batches of its own, and gradients are averaged. The batch size is that of
    one rank, and throughput counts the samples of all ranks. A step lasts as long as that of the
    slowest rank. The backend is ``ccl`` if the bindings of oneCCL can be imported, else ``gloo``.

    Attributes:
        launcher: Program that starts the ranks: ``torchrun``, or ``ipexrun``, which uses Intel MPI.
        ranks: Number of ranks on this node; by default, one for each NUMA node. Each gets an equal
            share of this machine's physical cores.
        arguments: Further command-line arguments for the launcher, such as
            ``["--nnodes=2", "--rdzv-endpoint=host:29400"]``.
        find_unused_parameters: Parameter of DistributedDataParallel of that name, for models in
            which some parameters get no gradient in a step.
    """

    launcher: str = "torchrun"
    ranks: int = field(default_factory=_numa_node_count)
    arguments: Sequence[str] = ()
    find_unused_parameters: bool = False
    name = "data_parallel"
    loss_tolerance = None  # ranks get other batches than plain; a single rank agrees with it
    order = 550
    extra = "distributed"
    mathematics = "gradients are averaged over ranks; batch norm sees the samples of its own rank"

    def __post_init__(self) -> None:
        if self.launcher not in _LAUNCHERS:
            raise ConfigurationError(
                f"data_parallel takes a launcher out of {', '.join(_LAUNCHERS)}, not "
                f"{self.launcher!r}"
            )
        if not isinstance(self.ranks, int) or isinstance(self.ranks, bool) or self.ranks < 1:
            raise ConfigurationError(
                f"data_parallel takes a whole number of ranks, at least 1, not {self.ranks!r}"
            )
        if isinstance(self.arguments, str):
            raise ConfigurationError("data_parallel takes its arguments as a list of strings")
        object.__setattr__(self, "arguments", tuple(map(str, self.arguments)))

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that the launcher excludes, each with the reason.

        Only torchrun can start the worker through a second launcher, run_cpu.
        """
        if self.launcher == "torchrun":
            return {}
        return {"tuned_runtime": "ipexrun sets allocator and OpenMP itself; give it arguments"}

    def unavailable(self) -> str | None:
        """Return which requirement is missing, else None.

        Each rank needs a physical core, and ipexrun needs IPEX and Intel MPI.
        """
        cores = len(physical_cores())
        if self.ranks > cores:
            return (
                f"{self.ranks} ranks with a core each need as many physical cores, and this "
                f"process may use {cores}"
            )
        if self.launcher == "torchrun":
            return None
        if find_program("mpiexec.hydra") is None:
            return (
                "ipexrun starts ranks with Intel MPI's mpiexec.hydra, which is not installed: "
                "pip install 'pytest-traingate[distributed]'"
            )
        return missing_ipex()

    def process(self) -> ProcessRequest:
        """Request the start of the ranks by the launcher."""
        return ProcessRequest(ranks=Ranks(self.launcher, self.ranks, tuple(self.arguments)))

    def apply(self, training: Training) -> None:
        """Join the process group, wrap the model, and give the rank its part of the dataset.

        Raises:
            ConfigurationError: If the dataset is iterable.
        """
        import torch  # noqa: PLC0415 - only in the worker
        import torch.distributed as dist  # noqa: PLC0415
        from torch.nn.parallel import DistributedDataParallel  # noqa: PLC0415
        from torch.utils.data import DistributedSampler, IterableDataset  # noqa: PLC0415

        if isinstance(training.dataset, IterableDataset):
            raise ConfigurationError(
                "data_parallel gives each rank its part of a map-style dataset, and this one is "
                "iterable: every rank would train on the same samples"
            )
        place = ranks.rank_place()
        dist.init_process_group(_backend(), rank=place.rank, world_size=place.world_size)
        options: Any = {"find_unused_parameters": self.find_unused_parameters}
        training.replace_models(lambda model: DistributedDataParallel(model, **options))
        training.accumulation_contexts += [
            model.no_sync
            for model in training.models().values()
            if isinstance(model, DistributedDataParallel)
        ]
        if place.world_size > 1:
            training.closure_obstacles.append(
                "data_parallel averages gradients but not losses, so that each rank would evaluate "
                "its closure another number of times"
            )
        # Random data must differ between ranks. Rank 0 keeps the seed, and so agrees with plain.
        if place.rank:
            _seed(torch.initial_seed() + place.rank)
        dataset: Any = training.dataset
        training.loader_options["sampler"] = DistributedSampler(dataset, shuffle=False)


def _seed(seed: int) -> None:
    """Seed the random numbers of Python, numpy and torch."""
    import torch  # noqa: PLC0415 - only in the worker

    random.seed(seed)
    torch.manual_seed(seed)
    with contextlib.suppress(ImportError):  # torch does without numpy
        import numpy as np  # noqa: PLC0415

        np.random.seed(seed % (1 << 32))  # noqa: NPY002 - the generator that scripts use


def _backend() -> str:
    """Return the backend of the process group: oneCCL's if it can be imported, else gloo."""
    try:
        import oneccl_bindings_for_pytorch  # noqa: F401, PLC0415 - registers the backend
    except (ImportError, OSError):  # not installed, or made for another torch
        return "gloo"
    return "ccl"
