"""Compare the cells of two profiles: the time of each operator in each module and phase."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from traingate.records.explanation import PhaseChange
from traingate.records.profile import Profile

_LARGEST_FACTOR: Final = 2.0
"""Largest factor from the change of a phase in profiled steps to that in timed ones. If it is
larger, the profiled steps were other steps, and the rest stays unexplained."""


@dataclass(frozen=True)
class CellChange:
    """Change of one operator in one module and phase.

    Attributes:
        phase: Phase of the step.
        module: Path of the module, as in ``Cell``.
        operator: Name of the operator.
        base_calls: Calls per step of the base.
        calls: Calls per step of the candidate.
        base_seconds: Seconds per step of the base.
        seconds: Seconds per step of the candidate.
        change: Difference of the seconds, corrected by the timed steps.
    """

    phase: str
    module: str
    operator: str
    base_calls: float
    calls: float
    base_seconds: float
    seconds: float
    change: float


def compare_cells(base: Profile, candidate: Profile) -> list[CellChange]:
    """Return the change of each cell, whatever the inputs of its operator were."""
    totals: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0] * 4)
    for offset, profile in ((0, base), (1, candidate)):
        for cell in profile.cells:
            total = totals[cell.phase, cell.module, cell.operator]
            total[offset] += cell.calls
            total[2 + offset] += cell.seconds
    return [
        CellChange(*key, base_calls, calls, base_seconds, seconds, seconds - base_seconds)
        for key, (base_calls, calls, base_seconds, seconds) in totals.items()
    ]


def corrected_by_phases(
    cells: Sequence[CellChange], phases: Iterable[PhaseChange]
) -> list[CellChange]:
    """Return the cells with their changes corrected to those of the timed steps.

    A profiler slows down all operators, and the more, the shorter they are. So the changes in a
    phase are multiplied to add up to its change in the timed steps. A phase that has not changed in
    the same direction there explains nothing.
    """
    measured = {phase.phase: phase.change for phase in phases}
    profiled: dict[str, float] = defaultdict(float)
    for cell in cells:
        profiled[cell.phase] += cell.change
    factors = {
        phase: _factor(measured[phase], change)
        for phase, change in profiled.items()
        if phase in measured
    }
    return [replace(cell, change=cell.change * factors.get(cell.phase, 1.0)) for cell in cells]


def _factor(measured: float, profiled: float) -> float:
    """Return the factor from the profiled change to the measured one, 1 if it is not plausible."""
    if not profiled:
        return 1.0
    factor = max(0.0, measured / profiled)
    return factor if factor <= _LARGEST_FACTOR else 1.0
