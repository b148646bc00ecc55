"""Compare the phases of two sides by their timed steps."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from traingate.gate.statistics import mean_interval
from traingate.records import Launch, Pair
from traingate.records.explanation import PhaseChange
from traingate.records.units import Interval

_WHOLE = "other"


def phases_of_pairs(pairs: Sequence[Pair]) -> tuple[PhaseChange, ...]:
    """Return the change of each phase over the pairs of a duet, the largest first.

    The interval is Student's, over the differences of the pairs.
    """
    sides = [
        (
            _mean_phases(pair.candidate_step_seconds, pair.candidate_phase_seconds),
            _mean_phases(pair.base_step_seconds, pair.base_phase_seconds),
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
    base = [_mean_phases(launch.step_seconds, launch.phase_seconds) for launch in stored]
    candidate = [_mean_phases(launch.step_seconds, launch.phase_seconds) for launch in new]
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


def change_of_pairs(pairs: Sequence[Pair]) -> tuple[float, Interval | None]:
    """Return the change of a step in seconds over the pairs of a duet, with its 95 % interval."""
    differences = [
        statistics.fmean(pair.candidate_step_seconds) - statistics.fmean(pair.base_step_seconds)
        for pair in pairs
    ]
    return statistics.fmean(differences), mean_interval(differences)


def _mean_phases(
    step_seconds: Sequence[float], phase_seconds: Mapping[str, Sequence[float]]
) -> dict[str, float]:
    """Return the mean seconds of each phase; ``other`` is all that no other phase has."""
    means = {name: statistics.fmean(seconds) for name, seconds in phase_seconds.items()}
    rest = statistics.fmean(step_seconds) - sum(means.values())
    means[_WHOLE] = max(0.0, means.get(_WHOLE, 0.0) + rest)
    return means


def _ordered(changes: Sequence[PhaseChange]) -> tuple[PhaseChange, ...]:
    return tuple(sorted(changes, key=lambda change: -abs(change.change)))
