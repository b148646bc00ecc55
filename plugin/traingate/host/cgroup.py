"""Read the limits of this process's control groups, of cgroup version 2 and of version 1.

The kernel's documentation describes the files in cgroup-v2.rst, cgroup-v1/memory.rst and
sched-bwc.rst. The parent and the worker both import this module, so it imports the standard
library alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def core_quota(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> float:
    """Return the smallest CPU quota of this process's groups and of the groups above them.

    Args:
        root: Folder that the groups are mounted in.
        membership: File in which the kernel lists this process's groups (cgroups(7)).

    Returns:
        Number of cores that may be kept busy, with fractions; infinite if there is no quota.
    """
    quotas = [math.inf]
    for folder in _groups("cpu", root, membership):
        quota = _numbers(folder / "cpu.max") or [
            *_numbers(folder / "cpu.cfs_quota_us"),
            *_numbers(folder / "cpu.cfs_period_us"),
        ]
        if len(quota) == 2 and quota[0] > 0:  # noqa: PLR2004 - quota and period
            quotas.append(quota[0] / quota[1])
    return min(quotas)


def memory_headroom_bytes(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> float:
    """Return how much memory the limits of this process's groups, and of those above, leave.

    Page cache counts as usage of a group, but the kernel reclaims it before it kills a process of
    the group. So it does not count as used here, as in the kernel's own estimate MemAvailable,
    except for files that are mapped into processes, such as libraries.

    Args:
        root: Folder that the groups are mounted in.
        membership: File in which the kernel lists this process's groups (cgroups(7)).

    Returns:
        Smallest difference of a group's limit and its usage, in bytes; infinite if there is no
        limit.
    """
    margins = [math.inf]
    for folder in _groups("memory", root, membership):
        for limit, usage in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            numbers = [*_numbers(folder / limit), *_numbers(folder / usage)]
            if len(numbers) == 2:  # noqa: PLR2004 - both files exist, and there is a limit
                used = max(0, numbers[1] - _reclaimable_bytes(folder))
                margins.append(numbers[0] - used)
    return min(margins)


def oom_kill_counter(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int:
    """Return a number that grows when the kernel kills a process of these groups to free memory.

    Groups inside of each other may each count the same process.

    Args:
        root: Folder that the groups are mounted in.
        membership: File in which the kernel lists this process's groups (cgroups(7)).
    """
    files = ("memory.events", "memory.oom_control")  # of version 2 and of version 1
    return sum(
        _entries(folder / file).get("oom_kill", 0)
        for folder in _groups("memory", root, membership)
        for file in files
    )


def _reclaimable_bytes(folder: Path) -> int:
    """Return the page cache of a group, and of those below it, that no process has mapped."""
    entries = _entries(folder / "memory.stat")
    prefix = (
        "total_" if "total_active_file" in entries else ""
    )  # of version 1, with the groups below
    mapped = entries.get("file_mapped", entries.get("total_mapped_file", 0))
    cached = sum(entries.get(f"{prefix}{name}", 0) for name in ("active_file", "inactive_file"))
    return max(0, cached - mapped)


def _entries(file: Path) -> dict[str, int]:
    """Return the entries of a file with lines of a name and a number; none if it does not exist."""
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2}  # noqa: PLR2004


def _groups(controller: str, root: Path, membership: Path) -> Iterator[Path]:
    """Yield the folders of this process's groups and of the mounted groups above them."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # Version 1 has a hierarchy for each controller; version 2 has one, whose line lists none.
        hierarchy = root / controller if controllers else root
        group = hierarchy / path.lstrip("/")
        folders = (group, *group.parents)
        yield from (folder for folder in folders if folder.is_relative_to(hierarchy))


def _numbers(file: Path) -> list[int]:
    """Return the numbers in a file of a group; none if it does not exist or sets no limit."""
    try:
        return [int(word) for word in file.read_text().split()]
    except (OSError, ValueError):  # ValueError: "max" stands for no limit
        return []
