"""The command and environment that start a child: pure, nothing is started here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.cpu import available_cores, core_count
from traingate.stack import Stack

_WORKER: Final = Path(__file__).parent / "worker"

TAG: Final = "TRAINGATE_MEETING"
"""Variable that every descendant of a launch inherits: teardown finds them all by it."""

STEADYING: Final[Mapping[str, Mapping[str, str]]] = {
    "off": {},
    # No GOMP_SPINCOUNT: where threads sleep sooner, short steps take up to half as long again.
    "threads": {"OMP_PROC_BIND": "true", "KMP_BLOCKTIME": "1"},
}
"""By value of ``--traingate-steady``: variables that make a launch steadier, and leave what
is measured as it is. A variable that the user has set keeps its value."""


@dataclass(frozen=True)
class Command:
    """How to start one child; the directory of its meeting is appended to ``argv``."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]


def training_command(stack: Stack, steady: str, compile_cache: Path) -> Command:
    """The training worker of ``stack``.

    Args:
        stack: whose layers may ask for variables; they win over all others.
        steady: a key of STEADYING.
        compile_cache: directory for inductor, of this stack alone: its cache key knows
            neither the number of threads nor all settings.
    """
    environment = {
        **STEADYING[steady],
        **_inherited(),
        **stack.environment(),
        "TORCHINDUCTOR_CACHE_DIR": str(compile_cache),
        "TRAINGATE_CORES": ",".join(map(str, sorted(available_cores()))),
        "PYTHONUNBUFFERED": "1",  # the log must hold all that was printed before a crash
    }
    return Command((sys.executable, str(_WORKER / "main.py")), environment)


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


def _inherited() -> dict[str, str]:
    """Our environment without what must not reach a child: tracers, and what hides ``main``."""
    unwanted = {"PYTEST_CURRENT_TEST", "PYTHONSAFEPATH"}
    return {
        key: value
        for key, value in os.environ.items()
        if key not in unwanted and not key.startswith("COVERAGE_PROCESS_")
    }
