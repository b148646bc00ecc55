"""The control groups that this process is in, with their limits: of version 2, and of 1.

Loaded by the parent and by the worker: standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def core_quota(root: Path = _ROOT, own: Path = _OWN) -> float:
    """Cores that may be kept busy: the smallest quota on the way up; infinite without any.

    Args:
        root: where the groups are mounted.
        own: the kernel's list of this process's groups.
    """
    quotas = [math.inf]
    for folder in _groups("cpu", root, own):
        unified = _numbers(folder / "cpu.max")
        quota = unified or [
            *_numbers(folder / "cpu.cfs_quota_us"),
            *_numbers(folder / "cpu.cfs_period_us"),
        ]
        if len(quota) == 2 and quota[0] > 0:  # noqa: PLR2004 - of which period
            quotas.append(quota[0] / quota[1])
    return min(quotas)


def memory_left(root: Path = _ROOT, own: Path = _OWN) -> float:
    """Bytes that the tightest limit on the way up leaves; infinite without any.

    Args:
        root: where the groups are mounted.
        own: the kernel's list of this process's groups.
    """
    left = [math.inf]
    for folder in _groups("memory", root, own):
        for limit, used in (
            ("memory.max", "memory.current"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            numbers = [*_numbers(folder / limit), *_numbers(folder / used)]
            if len(numbers) == 2:  # noqa: PLR2004 - both are told, and there is a limit
                left.append(numbers[0] - numbers[1])
    return min(left)


def _groups(controller: str, root: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's groups and of all above them, as far as they are mounted."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mounted = root / controller if controllers else root
        group = mounted / path.lstrip("/")
        yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(mounted))


def _numbers(file: Path) -> list[int]:
    """The numbers in a file of a group; none if it does not exist, or sets no limit."""
    try:
        return [int(word) for word in file.read_text().split()]
    except (OSError, ValueError):  # "max"
        return []
