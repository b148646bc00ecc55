"""What the operating system tells about the CPU: instruction sets, cores, and their quota.

Loaded by the parent and by the worker: standard library only.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from traingate.host.cgroup import core_quota

_CPUINFO = Path("/proc/cpuinfo")
_CPUS = Path("/sys/devices/system/cpu")
_NODES = Path("/sys/devices/system/node")


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
    told = description(cpuinfo)
    return frozenset(told.get("flags", told.get("Features", "")).split())  # of x86, and of ARM


def available_cores() -> frozenset[int]:
    """The cores that this process may run on, by number."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def core_count() -> int:
    """Cores that this process can keep busy: its affinity, cut by the quota of its cgroups."""
    cores, quota = len(available_cores()), core_quota()
    return cores if math.isinf(quota) else max(1, min(cores, math.ceil(quota)))


def numa_nodes(nodes: Path = _NODES) -> dict[int, frozenset[int]]:
    """The cores of each NUMA node that this process may run on; nodes without any left out."""
    allowed = available_cores()
    found = {}
    for node in nodes.glob("node[0-9]*"):
        try:
            text = (node / "cpulist").read_text()
        except OSError:
            continue
        cores = parse_cores(text) if text.strip() else frozenset()  # memory alone: CXL, HBM
        if cores & allowed:
            found[int(node.name.removeprefix("node"))] = cores & allowed
    return dict(sorted(found.items())) or {0: allowed}


def physical_cores(
    node: int | None = None, cpus: Path = _CPUS, nodes: Path = _NODES
) -> tuple[int, ...]:
    """The cores that this process may run on, node after node, one of each pair of SMT siblings.

    Hyper-threads share the vector units that training lives on; a second one adds nothing.

    Args:
        node: take the cores of this NUMA node alone.
        cpus: where Linux tells of cores.
        nodes: where Linux tells of NUMA nodes.
    """
    chosen: list[int] = []
    for number, cores in numa_nodes(nodes).items():
        for core in sorted(cores) if node in {None, number} else ():
            try:
                text = (cpus / f"cpu{core}" / "topology" / "thread_siblings_list").read_text()
                siblings = parse_cores(text)
            except OSError:
                siblings = frozenset({core})
            if not siblings & set(chosen):
                chosen.append(core)
    return tuple(chosen[: core_count()])


def parse_cores(text: str) -> frozenset[int]:
    """The core numbers in a list such as ``0-3,8``; ValueError for anything else."""
    cores: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        cores.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(cores)
