"""Choose the settings that ``--traingate-steady`` adds to make the launches of duets steadier.

Throughput is measured without them, because they change it: with its threads bound to cores, a
small training that loads its data itself took 14 % less time than the same script.
"""

from __future__ import annotations

import os
from typing import Final

from traingate.layers import TunedRuntime
from traingate.layers.base import ProcessRequest

LEVELS: Final = ("off", "threads", "full")
"""Values of ``--traingate-steady``: a bare process; threads bound to cores; also a steadier
allocator. Each level includes the one before. A variable that the user has set keeps its value."""

_THREADS: Final = {"OMP_PROC_BIND": "true"}


def steadying(level: str, stack_request: ProcessRequest, *, is_duet_side: bool) -> ProcessRequest:
    """Return the variables and preloads to add to a stack's own request.

    They are added only in duets, where only a ratio counts. An allocator is added only if neither
    the stack nor the user chooses one.

    Args:
        level: Level of the settings against scatter, one of ``LEVELS``.
        stack_request: Request of the stack.
        is_duet_side: True if two sides are measured in turn.
    """
    if level == "off" or not is_duet_side:
        return ProcessRequest()
    bound_threads = ProcessRequest(_THREADS)
    has_allocator = stack_request.preloads or stack_request.run_cpu is not None
    has_allocator = has_allocator or "LD_PRELOAD" in os.environ
    if level == "threads" or has_allocator:
        return bound_threads
    allocator = TunedRuntime("tcmalloc", "gnu")
    if allocator.unavailable() is not None:
        allocator = TunedRuntime("glibc", "gnu")
    request = allocator.process()
    return bound_threads.and_then(ProcessRequest(request.environment, request.preloads))


def describe(request: ProcessRequest) -> dict[str, str]:
    """Return *request* for the record: its variables, and the file names of its preloads."""
    names = [preload.rpartition("/")[2] for preload in request.preloads]
    return {**request.environment, **({"LD_PRELOAD": ":".join(names)} if names else {})}
