"""What the operating system tells about the CPU: instruction sets, cores, and their quota.

Loaded by the parent and by the worker: standard library only.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def description(cpuinfo: Path = _CPUINFO) -> dict[str, str]:
    """The fields of the first core in Linux's cpuinfo; empty on other systems."""
    try:
        first = cpuinfo.read_text().strip().split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def instruction_sets(cpuinfo: Path = _CPUINFO) -> frozenset[str]:
    """The CPU's flags as Linux names them; empty where it does not tell."""
    return frozenset(description(cpuinfo).get("flags", "").split())


def available_cores() -> frozenset[int]:
    """The cores that this process may run on, by number."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def core_count(cpu_max: Path = _CPU_MAX) -> int:
    """Cores that this process can keep busy: its affinity, cut by a cgroup v2 quota."""
    cores = len(available_cores())
    try:
        quota, period = cpu_max.read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, math.ceil(int(quota) / int(period))))
