"""Read the rank of a process and its cores from the variables that launchers and controller set.

The worker and its layers import this module too, so it imports the standard library alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LAUNCHER_VARIABLES: Final = (
    "RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
    "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
    "PMI_RANK", "PMI_SIZE", "PMI_FD", "MPI_LOCALRANKID", "MPI_LOCALNRANKS",
)  # fmt: skip
"""Variables that a launcher sets for its ranks.

If a launcher has started pytest itself, the workers must not inherit its variables.
"""

OWN_LOG_VARIABLE: Final = "TRAINGATE_OWN_LOG"
"""Variable that makes a worker print to the file ``log.RANK`` of its private directory.

A launcher may buffer the output of the workers that it starts.
"""

CORES_VARIABLE: Final = "TRAINGATE_CORES"
"""Variable with the cores of each local rank.

Commas separate the cores of a rank, and semicolons separate ranks: ``0,1`` gives both cores to a
single rank, ``0;1`` one core each to two ranks.
"""

BIND_VARIABLE: Final = "TRAINGATE_OMP_PROC_BIND"
"""Variable with the value of ``OMP_PROC_BIND`` for a worker that a launcher starts.

The launcher must not get ``OMP_PROC_BIND`` itself: it imports torch too, would be bound to one
core, and could start nothing on the other cores.
"""


@dataclass(frozen=True)
class RankPlace:
    """Place of a process in its process group, in the terms of ``torch.distributed``.

    Attributes:
        rank: Number of the process in the group, from 0.
        local_rank: Number of the process among those of this node, from 0.
        world_size: Number of processes in the group; 1 for a process without a group.
    """

    rank: int
    local_rank: int
    world_size: int


def rank_cores(environment: Mapping[str, str] = os.environ) -> frozenset[int]:
    """Return the numbers of the cores that the controller has assigned to this rank.

    Args:
        environment: Environment variables of the rank.

    Returns:
        The cores; an empty set if the controller has assigned none.
    """
    cores_of_ranks = environment.get(CORES_VARIABLE)
    if not cores_of_ranks:
        return frozenset()
    own_cores = cores_of_ranks.split(";")[rank_place(environment).local_rank]
    return frozenset(map(int, own_cores.split(",")))


def rank_place(environment: Mapping[str, str] = os.environ) -> RankPlace:
    """Return the place of this process in its group; that of a single process without a launcher.

    torchrun sets ``RANK``, ``LOCAL_RANK`` and ``WORLD_SIZE``; ``mpiexec.hydra`` of Intel MPI sets
    ``PMI_RANK``, ``MPI_LOCALRANKID`` and ``PMI_SIZE``.

    Args:
        environment: Environment variables of the process.
    """
    for rank, local_rank, size in (
        ("RANK", "LOCAL_RANK", "WORLD_SIZE"),
        ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ):
        if rank in environment and size in environment:
            number = int(environment[rank])
            return RankPlace(
                number, int(environment.get(local_rank, number)), int(environment[size])
            )
    return RankPlace(0, 0, 1)
