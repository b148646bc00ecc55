"""Compare the phases of two sides by their timed steps."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from traingate.gate.statistics import mean_interval
from traingate.records import Launch, Pair
from traingate.records.explanation import PhaseChange
from traingate.records.profile import Profile
from traingate.records.units import Interval

_WHOLE = "other"

Center: TypeAlias = Callable[[Sequence[float]], float]
"""Function that returns the center of the steps of one side of a pair: the median, which a busy
moment does not move, or the mean if only some steps have changed."""


def phases_of_pairs(pairs: Sequence[Pair], center: Center) -> tuple[PhaseChange, ...]:
    """Return the change of each phase over the pairs of a duet, the largest first.

    The interval is Student's, over the differences of the pairs.
    """
    sides = [
        (
            _phase_centers(pair.candidate_step_seconds, pair.candidate_phase_seconds, center),
            _phase_centers(pair.base_step_seconds, pair.base_phase_seconds, center),
        )
        for pair in pairs
    ]
    names = dict.fromkeys(name for side in sides for phases in side for name in phases)
    changes = []
    for name in names:
        candidate = [phases.get(name, 0.0) for phases, _ in sides]
        base = [phases.get(name, 0.0) for _, phases in sides]
        differences = [new - old for new, old in zip(candidate, base, strict=True)]
        changes.append(
            PhaseChange(
                phase=name,
                base_seconds=statistics.fmean(base),
                seconds=statistics.fmean(candidate),
                change_interval=mean_interval(differences),
            )
        )
    return _ordered(changes)


def phases_of_launches(stored: Sequence[Launch], new: Sequence[Launch]) -> tuple[PhaseChange, ...]:
    """Return the change of each phase from stored launches to new ones, the largest first.

    The times are as measured, not relative to the yardstick, so they have no interval.
    """
    base, candidate = (
        [
            _phase_centers(launch.step_seconds, launch.phase_seconds, statistics.fmean)
            for launch in launches
        ]
        for launches in (stored, new)
    )
    names = dict.fromkeys(name for phases in (*candidate, *base) for name in phases)
    return _ordered(
        [
            PhaseChange(
                phase=name,
                base_seconds=statistics.fmean(phases.get(name, 0.0) for phases in base),
                seconds=statistics.fmean(phases.get(name, 0.0) for phases in candidate),
            )
            for name in names
        ]
    )


def phases_of_profiles(base: Profile, candidate: Profile) -> tuple[PhaseChange, ...]:
    """Return the change of each phase in the profiled steps, the largest first."""
    old, new = (
        _sums((cell.phase, cell.seconds) for cell in side.cells) for side in (base, candidate)
    )
    return _ordered(
        [
            PhaseChange(phase=name, base_seconds=old.get(name, 0.0), seconds=new.get(name, 0.0))
            for name in dict.fromkeys((*old, *new))
        ]
    )


def _sums(items: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for name, seconds in items:
        sums[name] += seconds
    return sums


def change_of_pairs(pairs: Sequence[Pair], center: Center) -> tuple[float, Interval | None]:
    """Return the change of a step in seconds over the pairs of a duet, with its 95 % interval."""
    differences = [
        center(pair.candidate_step_seconds) - center(pair.base_step_seconds) for pair in pairs
    ]
    return statistics.fmean(differences), mean_interval(differences)


def _phase_centers(
    step_seconds: Sequence[float], phase_seconds: Mapping[str, Sequence[float]], center: Center
) -> dict[str, float]:
    """Return the usual seconds of each phase; ``other`` is all that no other phase has."""
    centers = {name: center(seconds) for name, seconds in phase_seconds.items()}
    rest = center(step_seconds) - sum(centers.values())
    centers[_WHOLE] = max(0.0, centers.get(_WHOLE, 0.0) + rest)
    return centers


def _ordered(changes: Sequence[PhaseChange]) -> tuple[PhaseChange, ...]:
    return tuple(sorted(changes, key=lambda change: -abs(change.change)))
