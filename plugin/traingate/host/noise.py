"""Read from Linux the settings and counters that make a machine fast, slow or noisy.

Each function that reads a setting or a counter returns None where the kernel does not provide it:
in a virtual machine or a container much of it is hidden. This module imports the standard library
alone.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

_CPU: Final = Path("/sys/devices/system/cpu")
_THP: Final = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_THP_DEFRAG: Final = Path("/sys/kernel/mm/transparent_hugepage/defrag")
_STAT: Final = Path("/proc/stat")
_STEAL: Final = 7
"""Index of the steal time among the numbers in the line ``cpu`` of proc_stat(5)."""


def smt(cpu: Path = _CPU) -> bool | None:
    """Return whether each core runs two threads (simultaneous multithreading)."""
    active = _read_text(cpu / "smt" / "active")
    return None if active is None else active == "1"


def governor(cpu: Path = _CPU) -> str | None:
    """Return the frequency governor of the first core: ``performance``, ``powersave``."""
    return _read_text(cpu / "cpu0" / "cpufreq" / "scaling_governor")


def turbo(cpu: Path = _CPU) -> bool | None:
    """Return whether cores may exceed their nominal clock rate."""
    disabled = _read_text(cpu / "intel_pstate" / "no_turbo")
    if disabled is not None:
        return disabled == "0"
    boost = _read_text(cpu / "cpufreq" / "boost")
    return None if boost is None else boost == "1"


def turbo_off_command(cpu: Path = _CPU) -> str:
    """Return the shell command that keeps cores at their nominal clock rate."""
    if (cpu / "intel_pstate" / "no_turbo").exists():
        return f"echo 1 | sudo tee {cpu}/intel_pstate/no_turbo"
    return f"echo 0 | sudo tee {cpu}/cpufreq/boost"


def transparent_huge_pages(setting: Path = _THP) -> str | None:
    """Return the mode of transparent huge pages: ``always``, ``madvise`` or ``never``."""
    text = _read_text(setting) or ""
    return text.partition("[")[2].partition("]")[0] or None


def huge_page_defragmentation(setting: Path = _THP_DEFRAG) -> str | None:
    """Return when the kernel makes room for huge pages, such as ``always`` or ``defer+madvise``."""
    return transparent_huge_pages(setting)


def cpu_times(stat: Path = _STAT) -> tuple[int, int] | None:
    """Return the clock ticks of all cores since the machine started.

    Args:
        stat: File in the format of proc_stat(5).

    Returns:
        All ticks, and those in which the host ran other machines (steal time).
    """
    fields = (_read_text(stat) or "").partition("\n")[0].split()
    if not fields or fields[0] != "cpu" or len(fields) <= _STEAL + 1:
        return None
    ticks = [int(number) for number in fields[1:]]
    # The numbers after the steal time are guest times, which user and nice time include.
    return sum(ticks[: _STEAL + 1]), ticks[_STEAL]


def steal_share(seconds: float = 1.0, stat: Path = _STAT) -> float | None:
    """Return the share of CPU time that the host gives to other machines while ours wants to run.

    Args:
        seconds: Time to wait between the two readings.
        stat: File in the format of proc_stat(5).
    """
    before = cpu_times(stat)
    time.sleep(seconds)
    after = cpu_times(stat)
    if before is None or after is None or after[0] <= before[0]:
        return None
    return (after[1] - before[1]) / (after[0] - before[0])


def _read_text(path: Path) -> str | None:
    """Return the stripped content of a file, None if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return None
