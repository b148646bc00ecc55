"""List the choices of cores and of ranks that this machine has, for the space of a race."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from traingate.host.cpu import cache_groups, logical_cores, numa_nodes, physical_cores
from traingate.protocol.json_values import JSON
from traingate.races.space import Choice


def core_choices(*, fewer: bool) -> Iterator[Choice]:
    """Yield the choices of cores that this machine has.

    Args:
        fewer: True for a part of the cores too.
    """
    physical = physical_cores()
    yield runtime_choice("bound")
    if set(logical_cores()) != set(physical):
        yield runtime_choice("hyperthreads", hyperthreads=True)
    if not fewer:
        return
    nodes = numa_nodes()
    parts = {
        "one node": physical_cores(min(nodes)) if nodes else (),
        "one L3": cache_groups(physical)[0],
        "half": physical[: len(physical) // 2],
    }
    seen: set[tuple[int, ...]] = {(), tuple(physical)}
    for label, cores in parts.items():
        if tuple(cores) not in seen:
            seen.add(tuple(cores))
            yield runtime_choice(label, cores=",".join(map(str, cores)))


def rank_counts() -> list[int | str]:
    """Return the numbers of ranks to try: powers of two, one for each NUMA node, one for each L3.

    A rank has at least two cores, unless the machine has fewer than eight.
    """
    cores = len(physical_cores())
    most = cores if cores < _FEW_CORES else cores // 2
    powers = {2**power for power in range(1, most.bit_length()) if 2**power <= most}
    counts: list[int | str] = sorted(powers | ({len(numa_nodes())} - {0, 1}))
    has_groups = len(cache_groups(physical_cores())) not in {1, *counts}
    return [*counts, "l3"] if has_groups else counts


_FEW_CORES: Final = 8
"""Number of physical cores below which a rank may have a single core."""


def runtime_choice(label: str, **options: JSON) -> Choice:
    """Return a choice of options of ``tuned_runtime``."""
    return Choice(label, {"tuned_runtime": options})
