"""What makes a launch steadier than a bare process, by value of ``--traingate-steady``."""

from __future__ import annotations

import os
from typing import Final

from traingate.layers import TunedRuntime
from traingate.layers.base import ProcessRequest

LEVELS: Final = ("off", "threads", "full")
"""The bare process; threads bound to cores; in duets a steadier allocator too. Each includes the
one before. A variable that the user has set keeps its value."""

# No GOMP_SPINCOUNT: where threads sleep sooner, short steps take up to half as long again.
_THREADS: Final = {"OMP_PROC_BIND": "true", "KMP_BLOCKTIME": "1"}


def steadying(level: str, stack: ProcessRequest, *, duet: bool) -> ProcessRequest:
    """What to add to a stack's own request.

    A steadier allocator changes the speed itself: it is used where only a ratio counts, in duets,
    and where neither the stack nor the user brings one.

    Args:
        level: one of LEVELS.
        stack: what the stack asks for.
        duet: whether two sides are measured in turn.
    """
    if level == "off":
        return ProcessRequest()
    bound = ProcessRequest(_THREADS)
    own = stack.preloads or stack.run_cpu is not None or "LD_PRELOAD" in os.environ
    if level == "threads" or not duet or own:
        return bound
    allocator = TunedRuntime("tcmalloc", "gnu")
    if allocator.unavailable() is not None:
        allocator = TunedRuntime("glibc", "gnu")
    wanted = allocator.process()
    return bound.and_then(ProcessRequest(wanted.environment, wanted.preloads))


def describe(request: ProcessRequest) -> dict[str, str]:
    """``request`` as a record has it: variables, and the names of libraries without their place."""
    names = [preload.rpartition("/")[2] for preload in request.preloads]
    return {**request.environment, **({"LD_PRELOAD": ":".join(names)} if names else {})}
