"""Determine how much memory this process can still allocate."""

from __future__ import annotations

from traingate.host.cgroup import memory_headroom_bytes


def available_bytes() -> int:
    """Return the free memory of the machine, or what a cgroup's limit leaves if that is less."""
    import psutil  # noqa: PLC0415 - the worker's interpreter may not have it

    return int(min(psutil.virtual_memory().available, memory_headroom_bytes()))
