"""The command and environment that start a child: plain, run_cpu, torchrun or ipexrun.

Nothing is started here.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.host.cpu import available_cores, core_count, physical_cores
from traingate.layers.base import ProcessRequest, Ranks, RunCpu
from traingate.layers.stack import Stack
from traingate.protocol import ranks

_WORKER: Final = Path(__file__).parents[1] / "worker"

LAUNCH_TAG: Final = "TRAINGATE_MEETING"
"""Variable that every descendant of a launch inherits: teardown finds them all by it."""


@dataclass(frozen=True)
class Command:
    """How to start one child; the directory of its meeting is appended to ``argv``.

    Attributes:
        argv: of a program, or of a launcher that starts it.
        environment: the whole of it.
        ranks: processes that will connect.
        launched: by a launcher, whose exit status says nothing of the program's.
        folder: working directory; None for ours.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    ranks: int = 1
    launched: bool = False
    folder: str | None = None


@dataclass(frozen=True)
class Interpreter:
    """A Python that is not the one we run under.

    Attributes:
        python: absolute path, symbolic links not followed: a virtual environment is one.
        prefix: its environment.
    """

    python: str
    prefix: str


def training_command(
    stack: Stack,
    steadying: ProcessRequest,
    compile_cache: Path,
    interpreter: Interpreter | None = None,
    folder: str | None = None,
) -> Command:
    """The training worker of ``stack``.

    Args:
        stack: whose layers may ask for variables, preloads and launchers; they win over all
            others.
        steadying: what is added for steadiness; what the user has set, and the stack, win over it.
        compile_cache: directory for inductor, of this stack alone: its cache key knows
            neither the number of threads nor all settings.
        interpreter: instead of ours; none of our environment's packages reach it.
        folder: working directory instead of ours.
    """
    request = stack.process()
    cores = _cores_of_ranks(request)
    environment = {
        **steadying.environment,
        **_inherited(interpreter),
        **_threads(request, cores),
        **request.environment,
        "TORCHINDUCTOR_CACHE_DIR": str(compile_cache),
        "TORCH_WARM_POOL": "0",  # Triton's; its processes would import torch beside the steps
        ranks.CORES_VARIABLE: ";".join(",".join(map(str, own)) for own in cores),
        "PYTHONUNBUFFERED": "1",  # the log must hold all that was printed before a crash
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
        program = (*launcher(request.ranks), *program)
    launched = len(program) > 1
    if launched:
        environment[ranks.OWN_LOG_VARIABLE] = "1"
    if launched and "OMP_PROC_BIND" in environment:
        environment[ranks.BIND_VARIABLE] = environment.pop("OMP_PROC_BIND")
    python = interpreter.python if interpreter else sys.executable
    return Command((python, *program), environment, len(cores), launched, folder)


def _cores_of_ranks(request: ProcessRequest) -> tuple[tuple[int, ...], ...]:
    """The cores of each rank, disjoint; ranks follow each other through the NUMA nodes."""
    if request.run_cpu is not None:
        cores = request.run_cpu.cores
    elif request.ranks is not None:
        cores = physical_cores()
    else:
        cores = tuple(sorted(available_cores()))
    count = 1 if request.ranks is None else request.ranks.count
    size = len(cores) // count
    if size == 0:
        raise ConfigurationError(f"{count} ranks need a core each, and the stack has {len(cores)}")
    return tuple(cores[rank * size : (rank + 1) * size] for rank in range(count))


def _threads(request: ProcessRequest, cores: Sequence[tuple[int, ...]]) -> dict[str, str]:
    """Under a launcher: one thread per core. A plain worker finds its number itself."""
    if request.ranks is None and request.run_cpu is None:
        return {}
    threads = {"OMP_NUM_THREADS": str(len(cores[0]))}
    # On one node the name of this host need not resolve.
    if request.ranks is not None and not request.ranks.sets_rendezvous:
        threads["GLOO_SOCKET_IFNAME"] = "lo"
    return threads


def _run_cpu(request: RunCpu) -> tuple[str, ...]:
    """run_cpu's own search for libraries misses versioned ones: they come as preloads."""
    cores = ",".join(map(str, request.cores))
    return (
        "-m", "torch.backends.xeon.run_cpu",
        "--core-list", cores, "--ncores-per-instance", str(len(request.cores)),
        "--ninstances", "1", "--use-default-allocator",
        *(() if request.intel_openmp else ("--disable-iomp",)),
    )  # fmt: skip


def _torchrun(ranks: Ranks) -> tuple[str, ...]:
    """``--standalone`` finds a free port by itself."""
    return (
        "-m", "torch.distributed.run", "--nproc-per-node", str(ranks.count),
        *(() if ranks.sets_rendezvous else ("--standalone", "--local-addr", "127.0.0.1")),
        *ranks.arguments,
    )  # fmt: skip


def _ipexrun(ranks: Ranks) -> tuple[str, ...]:
    """Each rank binds itself; cores of its own for oneCCL would be lost to the training."""
    return (
        "-m", "intel_extension_for_pytorch.launcher", "cpu",
        "--nprocs-per-node", str(ranks.count), "--ccl-worker-count", "0",
        "--memory-allocator", "default", "--omp-runtime", "default",
        *(() if ranks.sets_rendezvous else ("--nnodes", "1", "--master-port", str(_free_port()))),
        *ranks.arguments,
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def yardstick_command() -> Command:
    """The yardstick: all cores, and threads that sleep at once when they wait."""
    threads = str(core_count())
    environment = {
        **_inherited(),
        "OPENBLAS_NUM_THREADS": threads,
        "OPENBLAS_THREAD_TIMEOUT": "4",  # default: spins tens of milliseconds after a call
        "MKL_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "OMP_WAIT_POLICY": "PASSIVE",
        "KMP_BLOCKTIME": "0",
    }
    return Command((sys.executable, str(_WORKER / "yardstick.py")), environment)


LEADING_TO_PACKAGES: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX")
"""Variables by which a Python finds packages that are not its own."""


def _inherited(interpreter: Interpreter | None = None) -> dict[str, str]:
    """Our environment without what must not reach a child: tracers, and what hides ``main``.

    Another interpreter gets none of the variables that lead to our packages.
    """
    unwanted = {"PYTEST_CURRENT_TEST", "PYTHONSAFEPATH", *ranks.LAUNCHER_VARIABLES}
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in unwanted and not key.startswith("COVERAGE_PROCESS_")
    }
    python, prefix = Path(sys.executable), sys.prefix
    if interpreter is not None:
        for name in LEADING_TO_PACKAGES:
            kept.pop(name, None)
        python, prefix = Path(interpreter.python), interpreter.prefix
        own = str(Path(sys.executable).parent)
        folders = kept.get("PATH", "").split(os.pathsep)
        kept["PATH"] = os.pathsep.join(folder for folder in folders if folder != own)
    # Launchers look here for helpers and libraries; the environment need not be activated.
    helpers = os.pathsep.join(filter(None, [str(python.parent), kept.get("PATH")]))
    return {"VIRTUAL_ENV": prefix, **kept, "PATH": helpers}
