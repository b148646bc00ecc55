"""A process's place among the ranks of its group, as torchrun and Intel MPI tell it.

Read by the worker and its layers: standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VARIABLES: Final = (
    "RANK", "LOCAL_RANK", "GROUP_RANK", "ROLE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE",
    "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
    "PMI_RANK", "PMI_SIZE", "PMI_FD", "MPI_LOCALRANKID", "MPI_LOCALNRANKS",
)  # fmt: skip
"""What a launcher sets; a worker must not inherit them from one that started pytest itself."""


OWN_LOG: Final = "TRAINGATE_OWN_LOG"
"""Variable that tells a worker to print to ``log.RANK``: a launcher may hold its output back."""

CORES: Final = "TRAINGATE_CORES"
"""Variable with the cores of each local rank: ``0,1`` for a single one, ``0;1`` for two."""


BIND: Final = "TRAINGATE_OMP_PROC_BIND"
"""Variable with the worker's OMP_PROC_BIND, where a launcher starts it: that imports torch too,
would be bound to one core itself, and could start nothing on the others."""


@dataclass(frozen=True)
class RankPlace:
    """A rank among ``world_size`` ranks, and its number among those of this node."""

    rank: int
    local_rank: int
    world_size: int


def rank_cores(environment: Mapping[str, str] = os.environ) -> frozenset[int]:
    """The cores that the controller gave to this rank; empty where it gave none."""
    given = environment.get(CORES)
    if not given:
        return frozenset()
    own = given.split(";")[rank_place(environment).local_rank]
    return frozenset(map(int, own.split(",")))


def rank_place(environment: Mapping[str, str] = os.environ) -> RankPlace:
    """The place that the launcher gave this process; alone if there was none.

    torchrun sets RANK, LOCAL_RANK and WORLD_SIZE, Intel MPI's mpiexec.hydra PMI_RANK, PMI_SIZE
    and MPI_LOCALRANKID.
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
