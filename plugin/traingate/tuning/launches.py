"""Make the record of a launch of a heat."""

from __future__ import annotations

from collections.abc import Sequence

from traingate.controller.heat import HeatLaunch
from traingate.protocol.shared_names import COMPILATIONS, NONFINITE_LOSSES, SKIPPED_UPDATES
from traingate.records.race import RaceLaunch


def soundness_counters(launch: HeatLaunch) -> dict[str, float]:
    """Return the counters that tell whether a training is sound, those of the worst rank."""
    counters: dict[str, float] = {}
    for rank in launch.finished:
        for name in (NONFINITE_LOSSES, SKIPPED_UPDATES, COMPILATIONS):
            if rank.counters.get(name):
                counters[name] = max(counters.get(name, 0), rank.counters[name])
    return counters


def planned_rounds(launches: Sequence[HeatLaunch]) -> int:
    """Return the number of rounds that are planned for a heat."""
    return max((launch.planned_rounds for launch in launches), default=0)


def record_of(launch: HeatLaunch, candidate: int, rounds: int | None = None) -> RaceLaunch:
    """Return the record of a launch.

    Args:
        launch: Launch with at least one turn.
        candidate: Index of its candidate in the race.
        rounds: Number of complete rounds, beyond which turns do not count; None for all turns.
    """
    finished = launch.finished
    return RaceLaunch(
        candidate=candidate,
        turn_seconds=launch.turn_seconds[:rounds],
        steps_per_turn=launch.steps_per_turn,
        batch_size=launch.worker.batch_size,
        first_step_seconds=launch.warm_up.first_step_seconds if launch.warm_up else 0.0,
        setup_seconds=launch.setup_seconds,
        peak_bytes=peak_bytes(launch),
        precision_speedup=finished[0].precision_speedup if finished else 1.0,
        busy_turns=launch.busy_turns,
        counters=soundness_counters(launch),
    )


def peak_bytes(launch: HeatLaunch) -> int:
    """Return the peak memory of all ranks with their data workers, in bytes; 0 if unknown."""
    return sum(rank.peak_rss_bytes + rank.data_workers_bytes for rank in launch.finished)
