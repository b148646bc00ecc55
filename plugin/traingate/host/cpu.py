"""Read the CPU's instruction sets, and the cores and NUMA nodes that this process may use.

The parent and the worker both import this module, so it imports the standard library, and
modules of traingate that do the same.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from traingate.host.cgroup import core_quota

_CPUINFO = Path("/proc/cpuinfo")
_CPUS = Path("/sys/devices/system/cpu")
_NODES = Path("/sys/devices/system/node")

_ARM_CORES: Final = {
    ("0x41", "0xd0c"): "Neoverse N1",
    ("0x41", "0xd40"): "Neoverse V1",
    ("0x41", "0xd49"): "Neoverse N2",
    ("0x41", "0xd4f"): "Neoverse V2",
    ("0x41", "0xd8e"): "Neoverse N3",
    ("0x41", "0xd84"): "Neoverse V3",
    ("0xc0", "0xac3"): "Ampere-1",
    ("0xc0", "0xac4"): "Ampere-1a",
}
"""Names of server cores by implementer and part, as lscpu has them."""


def cpuinfo_fields(cpuinfo: Path = _CPUINFO) -> dict[str, str]:
    """Return the fields of the first core in Linux's cpuinfo; empty on other systems."""
    return next(iter(_cores(cpuinfo)), {})


def _cores(cpuinfo: Path) -> list[dict[str, str]]:
    """Return the fields of each core in Linux's cpuinfo; an empty list on other systems."""
    try:
        paragraphs = cpuinfo.read_text().strip().split("\n\n")
    except OSError:
        return []
    cores = []
    for paragraph in paragraphs:
        pairs = (line.partition(":") for line in paragraph.splitlines())
        cores.append({key.strip(): value.strip() for key, _, value in pairs})
    return cores


def model_name(cpuinfo: Path = _CPUINFO) -> str | None:
    """Return the name of the CPU's model, with the numbers that tell it from others.

    On x86 these are family, model and stepping. ARM's cores have no name in cpuinfo, so the name is
    made of architecture, implementer, part, variant and revision; a CPU may have several kinds.

    Args:
        cpuinfo: File in the format of Linux's cpuinfo.

    Returns:
        The name, None if Linux lists neither a name nor numbers.
    """
    fields = cpuinfo_fields(cpuinfo)
    ids = [fields[key] for key in ("cpu family", "model", "stepping") if key in fields]
    name = fields.get("model name")
    if name and ids:
        return f"{name} ({'/'.join(ids)})"
    kinds = list(dict.fromkeys(map(_arm_kind, _cores(cpuinfo))))
    arm_name = " + ".join(kind for kind in kinds if kind)
    return f"{name or 'ARM'} ({arm_name})" if arm_name else name


def _arm_kind(fields: Mapping[str, str]) -> str:
    """Return the kind of one ARM core; empty for other cores."""
    implementer, part = fields.get("CPU implementer"), fields.get("CPU part")
    if implementer is None or part is None:
        return ""
    known_name = _ARM_CORES.get((implementer, part))
    ids = [implementer, part, fields.get("CPU variant", "?"), fields.get("CPU revision", "?")]
    return " ".join(filter(None, [known_name, "/".join(ids)]))


def instruction_sets(cpuinfo: Path = _CPUINFO) -> frozenset[str]:
    """Return the CPU's flags by the names that Linux gives them; empty if it lists none."""
    fields = cpuinfo_fields(cpuinfo)
    # The field is called "flags" on x86, and "Features" on ARM.
    return frozenset(fields.get("flags", fields.get("Features", "")).split())


def available_cores() -> frozenset[int]:
    """Return the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def core_count() -> int:
    """Return how many cores this process can keep busy: its affinity, cut by its cgroup quota."""
    cores, quota = len(available_cores()), core_quota()
    return cores if math.isinf(quota) else max(1, min(cores, math.ceil(quota)))


def numa_nodes(nodes: Path = _NODES) -> dict[int, frozenset[int]]:
    """Return the cores that this process may run on, by NUMA node.

    Args:
        nodes: Folder in which Linux describes NUMA nodes.

    Returns:
        Core numbers by the node's number, in ascending order, without nodes that have no such
        core; one node, 0, with all these cores where the kernel describes no nodes.
    """
    own_cores = available_cores()
    cores_by_node = {}
    for node in nodes.glob("node[0-9]*"):
        try:
            text = (node / "cpulist").read_text()
        except OSError:
            continue
        # A node that has memory alone (CXL, HBM) has an empty list.
        cores = parse_cores(text) if text.strip() else frozenset()
        if cores & own_cores:
            cores_by_node[int(node.name.removeprefix("node"))] = cores & own_cores
    return dict(sorted(cores_by_node.items())) or {0: own_cores}


def physical_cores(
    node: int | None = None, cpus: Path = _CPUS, nodes: Path = _NODES
) -> tuple[int, ...]:
    """Return one logical core of each physical core that this process may run on.

    SMT siblings share the vector units, on which the speed of training depends, so a second
    thread on the same physical core adds nothing.

    Args:
        node: Number of the only NUMA node whose cores are taken, None for all nodes.
        cpus: Folder in which Linux describes cores.
        nodes: Folder in which Linux describes NUMA nodes.

    Returns:
        Core numbers, node after node, no more of them than ``core_count()``.
    """
    selection: list[int] = []
    for number, cores in numa_nodes(nodes).items():
        for core in sorted(cores) if node in {None, number} else ():
            if not _siblings(core, cpus) & set(selection):
                selection.append(core)
    return tuple(selection[: core_count()])


def logical_cores(node: int | None = None, cpus: Path = _CPUS) -> tuple[int, ...]:
    """Return the cores that this process may run on, SMT siblings next to each other.

    Args:
        node: Number of the only NUMA node whose cores are taken, None for all nodes.
        cpus: Folder in which Linux describes cores.

    Returns:
        Core numbers, node after node, no more of them than ``core_count()``.
    """
    own_cores = available_cores()
    cores = [
        sibling
        for core in physical_cores(node, cpus)
        for sibling in sorted(_siblings(core, cpus) & own_cores)
    ]
    return tuple(cores[: core_count()])


def _siblings(core: int, cpus: Path) -> frozenset[int]:
    """Return the logical cores of the same physical core, itself included."""
    try:
        text = (cpus / f"cpu{core}" / "topology" / "thread_siblings_list").read_text()
        return parse_cores(text) | {core}
    except (OSError, ValueError):  # the kernel hides it
        return frozenset({core})


def cache_groups(cores: Iterable[int], cpus: Path = _CPUS) -> tuple[tuple[int, ...], ...]:
    """Return *cores* in groups that share an L3 cache.

    Args:
        cores: Numbers of cores.
        cpus: Folder in which Linux describes cores.

    Returns:
        Groups of core numbers; a single one if Linux does not describe the caches.
    """
    groups: dict[frozenset[int], list[int]] = {}
    for core in cores:
        groups.setdefault(_sharers_of_cache(cpus / f"cpu{core}" / "cache"), []).append(core)
    return tuple(map(tuple, groups.values()))


def _sharers_of_cache(caches: Path) -> frozenset[int]:
    """Return the cores that share the L3 cache which a folder describes; empty if it has none."""
    try:
        for cache in sorted(caches.glob("index[0-9]*")):
            if (cache / "level").read_text().strip() == "3":
                return parse_cores((cache / "shared_cpu_list").read_text())
    except (OSError, ValueError):  # the kernel hides it
        pass
    return frozenset()


def parse_cores(text: str) -> frozenset[int]:
    """Return the core numbers in a list such as ``0-3,8``.

    Raises:
        ValueError: If *text* is not such a list.
    """
    cores: set[int] = set()
    for part in text.strip().split(","):
        first, dash, last = part.partition("-")
        cores.update(range(int(first), int(last if dash else first) + 1))
    return frozenset(cores)
