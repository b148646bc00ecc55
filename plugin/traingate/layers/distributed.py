"""Training in several ranks of one process group, each with cores of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from traingate.errors import ConfigurationError
from traingate.host.cpu import numa_nodes, physical_cores
from traingate.host.shared_libraries import find_program
from traingate.layers.base import BaseLayer, ProcessRequest, Ranks, Training
from traingate.layers.ipex import missing_ipex
from traingate.protocol import ranks

_LAUNCHERS = ("torchrun", "ipexrun")


def _one_per_numa_node() -> int:
    return len(numa_nodes())


@dataclass(frozen=True)
class DataParallel(BaseLayer):
    """DistributedDataParallel: each rank trains on batches of its own, gradients are averaged.

    The batch size is that of each rank; throughput counts the samples of all. A step lasts as
    long as that of the slowest rank. The backend is oneCCL's ``ccl`` where its bindings can be
    imported, else ``gloo``.

    Attributes:
        launcher: ``torchrun``, or ``ipexrun``, which starts the ranks through Intel MPI.
        ranks: on this node; one for each NUMA node by default. They share its physical cores.
        arguments: for the launcher, such as ``["--nnodes=2", "--rdzv-endpoint=host:29400"]``.
        find_unused_parameters: as DistributedDataParallel has it, for models some of whose
            parameters get no gradient in a step.
    """

    launcher: str = "torchrun"
    ranks: int = field(default_factory=_one_per_numa_node)
    arguments: Sequence[str] = ()
    find_unused_parameters: bool = False
    name = "data_parallel"
    loss_tolerance = None  # another batch; a single rank agrees with plain
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
        """Only torchrun can start what another launcher starts in its turn."""
        if self.launcher == "torchrun":
            return {}
        return {"tuned_runtime": "ipexrun sets allocator and OpenMP itself; give it arguments"}

    def unavailable(self) -> str | None:
        """A core for each rank, and for ipexrun IPEX with Intel MPI."""
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
        """As many ranks as asked for."""
        return ProcessRequest(ranks=Ranks(self.launcher, self.ranks, tuple(self.arguments)))

    def apply(self, training: Training) -> None:
        """Join the group, and wrap model and dataset."""
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
        training.model = DistributedDataParallel(
            training.model, find_unused_parameters=self.find_unused_parameters
        )
        if place.rank:  # random data differ between ranks; the first goes on as plain does
            torch.manual_seed(torch.initial_seed() + place.rank)
        dataset: Any = training.dataset
        training.loader_options["sampler"] = DistributedSampler(dataset, shuffle=False)


def _backend() -> str:
    try:
        import oneccl_bindings_for_pytorch  # noqa: F401, PLC0415 - registers the backend
    except (ImportError, OSError):  # not there, or made for another torch
        return "gloo"
    return "ccl"
