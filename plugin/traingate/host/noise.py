"""What Linux tells of the things that make a machine fast, slow, or noisy.

Each function answers None where the kernel does not tell: in a virtual machine or a
container much of it is hidden. Standard library only.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

_CPU: Final = Path("/sys/devices/system/cpu")
_THP: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_STAT: Final = Path("/proc/stat")
_STEAL: Final = 7
"""RankPlace of the steal time among the numbers of the line ``cpu`` in proc_stat(5)."""


def smt(cpu: Path = _CPU) -> bool | None:
    """Whether cores run two threads each (simultaneous multithreading)."""
    active = _text(cpu / "smt" / "active")
    return None if active is None else active == "1"


def governor(cpu: Path = _CPU) -> str | None:
    """How the kernel chooses the clock rate of the first core: ``performance``, ``powersave``."""
    return _text(cpu / "cpu0" / "cpufreq" / "scaling_governor")


def turbo(cpu: Path = _CPU) -> bool | None:
    """Whether cores may exceed their nominal clock rate."""
    disabled = _text(cpu / "intel_pstate" / "no_turbo")
    if disabled is not None:
        return disabled == "0"
    boost = _text(cpu / "cpufreq" / "boost")
    return None if boost is None else boost == "1"


def turbo_off(cpu: Path = _CPU) -> str:
    """The command that keeps cores at their nominal clock rate."""
    if (cpu / "intel_pstate" / "no_turbo").exists():
        return f"echo 1 | sudo tee {cpu}/intel_pstate/no_turbo"
    return f"echo 0 | sudo tee {cpu}/cpufreq/boost"


def transparent_huge_pages(setting: Path = _THP) -> str | None:
    """``always``, ``madvise`` or ``never``."""
    text = _text(setting) or ""
    return text.partition("[")[2].partition("]")[0] or None


def cpu_times(stat: Path = _STAT) -> tuple[int, int] | None:
    """Ticks of all cores since the machine started: all of them, and those stolen from it."""
    line = (_text(stat) or "").partition("\n")[0].split()
    if not line or line[0] != "cpu" or len(line) <= _STEAL + 1:
        return None
    ticks = [int(number) for number in line[1:]]
    return sum(ticks[: _STEAL + 1]), ticks[_STEAL]  # what follows is counted in them already


def steal_share(seconds: float = 1.0, stat: Path = _STAT) -> float | None:
    """Share of the next ``seconds`` that the host gives to other machines while we want to run."""
    before = cpu_times(stat)
    time.sleep(seconds)
    after = cpu_times(stat)
    if before is None or after is None or after[0] <= before[0]:
        return None
    return (after[1] - before[1]) / (after[0] - before[0])


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
