"""Build the command and environment of a child: plain, run_cpu, torchrun or ipexrun.

This module starts no process.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.controller.caches import cache_variables
from traingate.controller.launchers import preload_value, program_start
from traingate.environments.interpreter import Interpreter, child_environment
from traingate.host.cpu import core_count
from traingate.layers.base import ProcessRequest
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

    @property
    def rank_logs(self) -> int:
        """Return the number of ranks that make logs of their own: all under a launcher."""
        return self.ranks if self.launched else 0

    def environment_in(self, directory: Path) -> dict[str, str]:
        """Return the environment of a child with this private directory.

        Its temporary files are removed with the directory.
        """
        return {**self.environment, LAUNCH_TAG: str(directory), "TMPDIR": str(directory)}


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
    start = program_start(request)
    environment = {
        "KINETO_LOG_LEVEL": "99",  # else torch's profiler prints lines for its own developers
        **steadying.environment,
        **child_environment(interpreter),
        **start.variables,
        "TORCHINDUCTOR_CACHE_DIR": str(compile_cache),
        **cache_variables(side_caches or compile_cache / "side"),
        "TORCH_WARM_POOL": "0",  # else processes for Triton import torch during the first steps
        ranks.CORES_VARIABLE: ";".join(
            ",".join(map(str, rank_cores)) for rank_cores in start.cores
        ),
        "PYTHONUNBUFFERED": "1",  # so that the log has all output before a crash
    }
    preloads = (*steadying.preloads, *request.preloads)
    if preloads:
        environment["LD_PRELOAD"] = preload_value(preloads, environment.get("LD_PRELOAD"))
    launched = bool(start.launcher)
    if launched:
        environment[ranks.OWN_LOG_VARIABLE] = "1"
    if launched and "OMP_PROC_BIND" in environment:
        environment[ranks.BIND_VARIABLE] = environment.pop("OMP_PROC_BIND")
    python = interpreter.python if interpreter else sys.executable
    argv = (python, *start.launcher, str(_WORKER / "main.py"))
    return Command(argv, environment, len(start.cores), launched, folder)


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
