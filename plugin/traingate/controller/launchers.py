"""Build how a program is started under a stack: its variables, and the launcher before it.

The training worker and a user's own script (``report.recipe``) are started by the same functions.
This module starts no process.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

from traingate.errors import ConfigurationError
from traingate.host.cpu import available_cores, cache_groups, physical_cores
from traingate.layers.base import ProcessRequest, Ranks, RunCpu


@dataclass(frozen=True)
class ProgramStart:
    """Start of a Python program under a stack.

    Attributes:
        variables: Environment variables of the stack, of its threads and of its network interface,
            without ``LD_PRELOAD``.
        launcher: Arguments of Python that come before the program; empty without a launcher.
        cores: Numbers of the cores of each rank, to which the program must bind itself.
    """

    variables: dict[str, str]
    launcher: tuple[str, ...]
    cores: tuple[tuple[int, ...], ...]


def program_start(request: ProcessRequest, *, on_free_port: bool = True) -> ProgramStart:
    """Return how a program is started as *request* says.

    Args:
        request: Request of a stack for variables and launchers.
        on_free_port: Whether ipexrun gets the number of a port that is free at this moment; False
            for its default port.

    Raises:
        ConfigurationError: If there are fewer cores than ranks.
    """
    cores = _cores_of_ranks(request)
    launcher: tuple[str, ...] = ()
    if request.run_cpu is not None:
        launcher = _run_cpu(request.run_cpu)
    if request.ranks is not None:
        ranks = replace(request.ranks, count=len(cores))
        start_ranks = (
            _torchrun(ranks) if ranks.launcher == "torchrun" else _ipexrun(ranks, on_free_port)
        )
        launcher = (*start_ranks, *launcher)
    return ProgramStart(
        {**_launch_variables(request, cores), **request.environment}, launcher, cores
    )


def preload_value(preloads: Sequence[str], inherited: str | None) -> str:
    """Return the value of ``LD_PRELOAD`` that loads *preloads* before the inherited libraries.

    Args:
        preloads: Absolute paths of shared libraries.
        inherited: Value of the variable so far; None if it is not set.
    """
    return ":".join(filter(None, [*preloads, *(inherited or "").split(":")]))


def _cores_of_ranks(request: ProcessRequest) -> tuple[tuple[int, ...], ...]:
    """Return disjoint cores for each rank, in the order of NUMA nodes.

    Raises:
        ConfigurationError: If there are fewer cores than ranks.
    """
    if request.run_cpu is not None:
        cores = request.run_cpu.cores
    elif request.ranks is not None:
        cores = physical_cores()
    else:
        cores = tuple(sorted(available_cores()))
    if request.ranks is not None and request.ranks.by_cache:
        return cache_groups(cores)
    count = 1 if request.ranks is None else request.ranks.count
    size = len(cores) // count
    if size == 0:
        raise ConfigurationError(f"{count} ranks need a core each, and the stack has {len(cores)}")
    return tuple(cores[rank * size : (rank + 1) * size] for rank in range(count))


def _launch_variables(request: ProcessRequest, cores: Sequence[tuple[int, ...]]) -> dict[str, str]:
    """Return variables for the threads and the network interface of a program under a launcher."""
    if request.ranks is None and request.run_cpu is None:
        return {}
    variables = {"OMP_NUM_THREADS": str(min(map(len, cores)))}
    # On one node, gloo then works even if the host name does not resolve.
    if request.ranks is not None and not request.ranks.sets_rendezvous:
        variables["GLOO_SOCKET_IFNAME"] = "lo"
    return variables


def _run_cpu(request: RunCpu) -> tuple[str, ...]:
    """Return the arguments of run_cpu, without its search for allocators.

    That search misses libraries with a version in their name; ``LD_PRELOAD`` has them already.
    """
    cores = ",".join(map(str, request.cores))
    return (
        "-m", "torch.backends.xeon.run_cpu",
        "--core-list", cores, "--ncores-per-instance", str(len(request.cores)),
        "--ninstances", "1", "--use-default-allocator",
        *(() if request.intel_openmp else ("--disable-iomp",)),
    )  # fmt: skip


def _torchrun(ranks: Ranks) -> tuple[str, ...]:
    """Return the arguments of torchrun, whose ``--standalone`` chooses a free port."""
    return (
        "-m", "torch.distributed.run", "--nproc-per-node", str(ranks.count),
        *(() if ranks.sets_rendezvous else ("--standalone", "--local-addr", "127.0.0.1")),
        *ranks.arguments,
    )  # fmt: skip


def _ipexrun(ranks: Ranks, on_free_port: bool) -> tuple[str, ...]:
    """Return the arguments of ipexrun.

    oneCCL gets no cores of its own, because the training would lose them. Each rank binds itself
    to its cores.
    """
    port = ("--master-port", str(_free_port())) if on_free_port else ()
    return (
        "-m", "intel_extension_for_pytorch.launcher", "cpu",
        "--nprocs-per-node", str(ranks.count), "--ccl-worker-count", "0",
        "--memory-allocator", "default", "--omp-runtime", "default",
        *(() if ranks.sets_rendezvous else ("--nnodes", "1", *port)),
        *ranks.arguments,
    )  # fmt: skip


def _free_port() -> int:
    """Return the number of a TCP port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
