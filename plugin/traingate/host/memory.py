"""Memory that this process can still have."""

from __future__ import annotations

from traingate.host.cgroup import memory_left


def available_bytes() -> int:
    """Memory that can be had: what the machine has free, or what is left of a cgroup's limit."""
    import psutil  # noqa: PLC0415 - the worker's interpreter may not have it

    return int(min(psutil.virtual_memory().available, memory_left()))
