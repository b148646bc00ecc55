"""Build the command and environment of a child: plain, run_cpu, torchrun or ipexrun.

This module starts no process.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from traingate.controller.caches import cache_variables
from traingate.environments.interpreter import Interpreter, child_environment
from traingate.errors import ConfigurationError
from traingate.host.cpu import available_cores, cache_groups, core_count, physical_cores
from traingate.layers.base import ProcessRequest, Ranks, RunCpu
from traingate.protocol import ranks

_WORKER: Final = Path(__file__).parents[1] / "worker"

LAUNCH_TAG: Final = "TRAINGATE_LAUNCH"
"""Environment variable that every descendant of a child inherits, so that all can be found and
ended. Its value is the child's private directory."""


@dataclass(frozen=True)
class Command:
    """Command that starts one child; the child's private directory is appended to ``argv``.

    Attributes:
        argv: Arguments of a program, or of a launcher that starts it.
        environment: Complete environment of the child.
        ranks: Number of processes that will connect.
        launched: True if a launcher starts the program; its exit status then says nothing about
            the program's.
        folder: Working directory; None for the current one.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ranks: int = 1
    launched: bool = False
    folder: str | None = None


def training_command(
    request: ProcessRequest,
    steadying: ProcessRequest,
    compile_cache: Path,
    interpreter: Interpreter | None = None,
    folder: str | None = None,
    *,
    side_caches: Path | None = None,
) -> Command:
    """Return the command of the training worker.

    Args:
        request: Request of the stack for variables, preloads and launchers; these take precedence
            over those of the user and of *steadying*.
        steadying: Further variables and preloads for steadier launches; those of the user and of
            the stack take precedence.
        compile_cache: Directory for inductor's cache, used by this stack only: the cache key
            contains neither the number of threads nor all settings.
        interpreter: Interpreter of the worker, without the packages of the current environment;
            None for the running one.
        folder: Working directory; None for the current one.
        side_caches: Directory for what this side builds, by all its stacks; None for a folder in
            *compile_cache*.

    Raises:
        ConfigurationError: If there are fewer cores than ranks.
    """
    cores = _cores_of_ranks(request)
    environment = {
        "KINETO_LOG_LEVEL": "99",  # else torch's profiler prints lines for its own developers
        **steadying.environment,
        **child_environment(interpreter),
        **_launch_variables(request, cores),
        **request.environment,
        "TORCHINDUCTOR_CACHE_DIR": str(compile_cache),
        **cache_variables(side_caches or compile_cache / "side"),
        "TORCH_WARM_POOL": "0",  # else processes for Triton import torch during the first steps
        ranks.CORES_VARIABLE: ";".join(",".join(map(str, rank_cores)) for rank_cores in cores),
        "PYTHONUNBUFFERED": "1",  # so that the log has all output before a crash
    }
    preloads = (*steadying.preloads, *request.preloads)
    if preloads:
        inherited = environment.get("LD_PRELOAD", "").split(":")
        environment["LD_PRELOAD"] = ":".join(filter(None, [*preloads, *inherited]))
    program: tuple[str, ...] = (str(_WORKER / "main.py"),)
    if request.run_cpu is not None:
        program = (*_run_cpu(request.run_cpu), *program)
    if request.ranks is not None:
        launcher = _torchrun if request.ranks.launcher == "torchrun" else _ipexrun
        program = (*launcher(replace(request.ranks, count=len(cores))), *program)
    launched = len(program) > 1
    if launched:
        environment[ranks.OWN_LOG_VARIABLE] = "1"
    if launched and "OMP_PROC_BIND" in environment:
        environment[ranks.BIND_VARIABLE] = environment.pop("OMP_PROC_BIND")
    python = interpreter.python if interpreter else sys.executable
    return Command((python, *program), environment, len(cores), launched, folder)


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
    """Return variables for the threads and the network interface of a worker under a launcher."""
    if request.ranks is None and request.run_cpu is None:
        return {}
    variables = {"OMP_NUM_THREADS": str(min(map(len, cores)))}
    # On one node, gloo then works even if the host name does not resolve.
    if request.ranks is not None and not request.ranks.sets_rendezvous:
        variables["GLOO_SOCKET_IFNAME"] = "lo"
    return variables


def _run_cpu(request: RunCpu) -> tuple[str, ...]:
    """Return the arguments of run_cpu, without its search for allocators.

    That search misses libraries with a version in their name; traingate preloads them itself.
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


def _ipexrun(ranks: Ranks) -> tuple[str, ...]:
    """Return the arguments of ipexrun.

    oneCCL gets no cores of its own, because the training would lose them. Each rank binds itself
    to its cores.
    """
    return (
        "-m", "intel_extension_for_pytorch.launcher", "cpu",
        "--nprocs-per-node", str(ranks.count), "--ccl-worker-count", "0",
        "--memory-allocator", "default", "--omp-runtime", "default",
        *(() if ranks.sets_rendezvous else ("--nnodes", "1", "--master-port", str(_free_port()))),
        *ranks.arguments,
    )  # fmt: skip


def _free_port() -> int:
    """Return the number of a TCP port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def yardstick_command() -> Command:
    """Return the command of the yardstick, on all cores, with threads that do not spin."""
    threads = str(core_count())
    environment = {
        **child_environment(),
        "OPENBLAS_NUM_THREADS": threads,
        "OPENBLAS_THREAD_TIMEOUT": "4",  # by default, threads spin for tens of milliseconds
        "MKL_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
    }
    return Command((sys.executable, str(_WORKER / "yardstick.py")), environment)
