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
                margins.append(numbers[0] - numbers[1])
    return min(margins)


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
