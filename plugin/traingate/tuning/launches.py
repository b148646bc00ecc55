"""Make the record of a launch of a heat, and say why one has failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from traingate.controller.heat import HeatLaunch
from traingate.records.race import RaceLaunch
from traingate.report.terminal_text import terminal_text

_REASON_LENGTH: Final = 300


def reason_of(error: Exception) -> str:
    """Return an error as one line: its first line, and the exception of a traceback in it."""
    text = terminal_text(str(error))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[0].strip().removesuffix(":")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    if frames:
        rest = lines[frames[-1] + 1 :]
        reason += f": {next((line for line in rest if not line.startswith(' ')), '')}"
    return reason if len(reason) <= _REASON_LENGTH else f"{reason[: _REASON_LENGTH - 1]}…"


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
    )


def peak_bytes(launch: HeatLaunch) -> int:
    """Return the peak memory of all ranks with their data workers, in bytes; 0 if unknown."""
    return sum(rank.peak_rss_bytes + rank.data_workers_bytes for rank in launch.finished)
