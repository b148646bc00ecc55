"""Define the layer that trains in several ranks of one process group, each on its own cores."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from traingate.errors import ConfigurationError
from traingate.host.cpu import cache_groups, numa_nodes, physical_cores
from traingate.host.shared_libraries import find_program
from traingate.layers.base import BaseLayer, ProcessRequest, Ranks
from traingate.layers.ipex import missing_ipex
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training
from traingate.protocol import ranks
from traingate.protocol.json_values import JSON

_LAUNCHERS = ("torchrun", "ipexrun")

_CCL = "oneccl_bindings_for_pytorch"
"""Module that registers the backend ``ccl``."""

_L3 = "l3"
"""Choice of ``ranks``."""


def _numa_node_count() -> int:
    """Return the number of NUMA nodes with cores that this process may use."""
    return len(numa_nodes())


@dataclass(frozen=True)
class DataParallel(BaseLayer):
    """Layer that trains by DistributedDataParallel.

    Each rank trains on batches of its own, and gradients are averaged. The batch size is that of
    one rank, and throughput counts the samples of all ranks. A step lasts as long as that of the
    slowest rank.

    Attributes:
        launcher: Program that starts the ranks: ``torchrun``, or ``ipexrun``, which uses Intel MPI.
        ranks: Number of ranks on this node; by default, one for each NUMA node. Each gets an equal
            share of this machine's physical cores. ``l3``: one for each group of cores that share
            an L3 cache (on AMD's CPUs, a core complex), on the cores of its group.
        arguments: Further command-line arguments for the launcher, such as
            ``["--nnodes=2", "--rdzv-endpoint=host:29400"]``.
        find_unused_parameters: Parameter of DistributedDataParallel of that name, for models in
            which some parameters get no gradient in a step.
        bucket_cap_mb: Parameter of DistributedDataParallel of that name: size of the buckets in
            which gradients are averaged, in MiB; None for torch's default.
        backend: Backend of the process group, such as ``gloo``; None for ``ccl`` if the bindings of
            oneCCL can be imported, else ``gloo``.
        accumulation: Number of batches for each update. Gradients are averaged over ranks only with
            the last of them (``no_sync()``).
    """

    launcher: str = "torchrun"
    ranks: int | str = field(default_factory=_numa_node_count)
    arguments: Sequence[str] = ()
    find_unused_parameters: bool = False
    bucket_cap_mb: float | None = None
    backend: str | None = None
    accumulation: int = 1
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
        if self.ranks != _L3 and not _is_count(self.ranks):
            raise ConfigurationError(
                f"data_parallel takes a whole number of ranks, at least 1, or {_L3!r}, not "
                f"{self.ranks!r}"
            )
        if self.ranks == _L3 and self.launcher != "torchrun":
            raise ConfigurationError(f"ranks={_L3!r} takes the launcher torchrun")
        if not _is_count(self.accumulation):
            raise ConfigurationError(
                f"data_parallel accumulates over a whole number of batches, at least 1, not "
                f"{self.accumulation!r}"
            )
        if self.bucket_cap_mb is not None and not (
            isinstance(self.bucket_cap_mb, int | float) and self.bucket_cap_mb > 0
        ):
            raise ConfigurationError(
                f"data_parallel takes bucket_cap_mb above 0, not {self.bucket_cap_mb!r}"
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

    @property
    def environment(self) -> str | None:  # type: ignore[override] # it depends on the launcher
        """Return the environment that has ipexrun where the running one lacks it."""
        return "ipex" if self.launcher == "ipexrun" else None

    def unavailable(self) -> str | None:
        """Return which requirement is missing, else None.

        Each rank needs a physical core, and ipexrun needs IPEX and Intel MPI.
        """
        cores = len(physical_cores())
        if isinstance(self.ranks, int) and self.ranks > cores:
            return (
                f"{self.ranks} ranks with a core each need as many physical cores, and this "
                f"process may use {cores}"
            )
        if self.backend == "ccl" and find_spec(_CCL) is None:
            return (
                "the bindings of oneCCL for PyTorch are not installed. They are on no package "
                "index, and their development ended with torch 2.8: build "
                "https://github.com/intel/torch-ccl for this torch"
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
        by_cache = self.ranks == _L3
        count = len(cache_groups(physical_cores())) if by_cache else int(self.ranks)
        return ProcessRequest(ranks=Ranks(self.launcher, count, tuple(self.arguments), by_cache))

    @property
    def options(self) -> Mapping[str, JSON]:
        """Return the fields, and the younger three of them only if they are set."""
        defaults = {"bucket_cap_mb": None, "backend": None, "accumulation": 1}
        fields = super().options.items()
        return {key: value for key, value in fields if defaults.get(key, ...) != value}

    def apply(self, training: Training) -> None:
        """Join the process group, wrap the model, and give the rank its part of the dataset.

        Raises:
            ConfigurationError: If the dataset is iterable.
        """
        import torch.distributed as dist  # noqa: PLC0415 - only in the worker
        from torch.nn.parallel import DistributedDataParallel  # noqa: PLC0415
        from torch.utils.data import DistributedSampler, IterableDataset  # noqa: PLC0415

        if isinstance(training.dataset, IterableDataset):
            raise ConfigurationError(
                "data_parallel gives each rank its part of a map-style dataset, and this one is "
                "iterable: every rank would train on the same samples"
            )
        place = ranks.rank_place()
        if self.backend == "ccl":
            import_module(_CCL)
        dist.init_process_group(
            self.backend or _best_backend(), rank=place.rank, world_size=place.world_size
        )
        options: Any = {"find_unused_parameters": self.find_unused_parameters}
        if self.bucket_cap_mb is not None:
            options["bucket_cap_mb"] = self.bucket_cap_mb
        if self.accumulation > 1:
            if training.step is not None:
                raise ConfigurationError(
                    "data_parallel cannot accumulate in a workload's own step: let the step enter "
                    "context.accumulating()"
                )
            training.accumulation = self.accumulation
            training.closure_obstacles.append("gradients cannot be accumulated with a closure")
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
        dataset: Any = training.dataset
        training.loader_options["sampler"] = DistributedSampler(dataset, shuffle=False)

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the lines that join the process group, wrap the model and divide the dataset."""
        backend = self.backend or ("gloo" if find_spec(_CCL) is None else "ccl")
        place: tuple[str, ...] = ()
        if self.launcher == "ipexrun":  # Intel MPI has other variables than torch looks for
            place = ('rank=int(os.environ["PMI_RANK"])', 'world_size=int(os.environ["PMI_SIZE"])')
        options = ", find_unused_parameters=True" if self.find_unused_parameters else ""
        if self.bucket_cap_mb is not None:
            options += f", bucket_cap_mb={self.bucket_cap_mb!r}"
        return Recipe(
            imports=(
                *(("import os",) if place else ()),
                "import torch.distributed as dist",
                "from torch.nn.parallel import DistributedDataParallel",
                "from torch.utils.data import DistributedSampler",
                *((f"import {_CCL}  # registers the backend ccl",) if backend == "ccl" else ()),
            ),
            at_start=(f"dist.init_process_group({', '.join((json.dumps(backend), *place))})",),
            optimized=(f"model = DistributedDataParallel(model{options})",),
            loader={"sampler": "DistributedSampler(dataset, shuffle=False)"},
            accumulation=self.accumulation,
            accumulation_context="model.no_sync()",
            at_end=("dist.destroy_process_group()",),
        )


def _is_count(value: object) -> bool:
    """Return whether *value* is a whole number of at least 1."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _best_backend() -> str:
    """Return the backend of oneCCL if its bindings can be imported, else gloo."""
    try:
        import_module(_CCL)  # registers the backend
    except (ImportError, OSError):  # not installed, or made for another torch
        return "gloo"
    return "ccl"
