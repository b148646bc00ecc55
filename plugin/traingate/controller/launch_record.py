"""Make the record of a launch from the answers of its worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from traingate.controller.imported_files import digest_of_files
from traingate.controller.steps import Steps
from traingate.controller.warm_up import WarmUp
from traingate.errors import WorkerError
from traingate.protocol import messages
from traingate.protocol.shared_names import NONFINITE_LOSSES
from traingate.records import Launch

_COMPUTING_PHASES: Final = ("forward", "backward", "optimizer")
"""Phases of the step's body, which the worker reports only if it can tell them apart."""


def launch_record(
    steps: Steps,
    warm_up: WarmUp,
    finish_messages: Sequence[messages.Finished],
    *,
    setup_seconds: float,
    steps_per_round: Sequence[int],
    visits: Sequence[messages.Measured],
) -> Launch:
    """Return the record of a launch.

    Args:
        steps: Measured steps.
        warm_up: Warm-up before them.
        finish_messages: Finished message of each rank.
        setup_seconds: Time that building the training took, in seconds.
        steps_per_round: Number of steps between two visits of the yardstick.
        visits: Visits of the yardstick; empty if there were none.
    """
    answers = steps.answers
    phases = phase_seconds(answers)
    counters, reasons = counters_of(finish_messages)
    return Launch(
        step_seconds=steps.step_seconds,
        data_seconds=tuple(max(rank.phase_seconds["data"] for rank in step) for step in answers),
        phase_seconds=phases,
        untimed_phases=tuple(phase for phase in _COMPUTING_PHASES if phase not in phases),
        warmup_steps=warm_up.steps,
        epoch_starts=epoch_starts(answers),
        busy_visits=steps.busy_turns,
        rank_step_seconds=_seconds_by_rank(answers),
        steps_per_round=tuple(steps_per_round),
        gemm_seconds=tuple(visit.gemm_seconds for visit in visits),
        triad_seconds=tuple(visit.triad_seconds for visit in visits),
        yardstick_seconds=tuple(visit.gemm_seconds + visit.triad_seconds for visit in visits),
        first_step_seconds=warm_up.first_step_seconds,
        setup_seconds=setup_seconds,
        peak_rss_bytes=sum(rank.peak_rss_bytes for rank in finish_messages),
        minor_page_faults_per_step=sum(rank.minor_page_faults_per_step for rank in finish_messages),
        counters=counters,
        data_workers_peak_bytes=sum(rank.data_workers_bytes for rank in finish_messages),
        imported_files_digest=digest_of_files(finish_messages[0].imported_files),
        rss_growth_bytes_per_step=_total_growth(finish_messages),
        reasons={name: tuple(lines) for name, lines in reasons.items()},
    )


def counters_of(
    finish_messages: Sequence[messages.Finished],
) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the counters of a launch, and their reasons: those of rank 0.

    The losses that are no numbers are those of the rank with most of them, since each rank has
    batches of its own.

    Args:
        finish_messages: Finished message of each rank.
    """
    first = finish_messages[0]
    worst = max(finish_messages, key=lambda rank: rank.counters.get(NONFINITE_LOSSES, 0))
    counters, reasons = dict(first.counters), dict(first.reasons)
    if NONFINITE_LOSSES in worst.counters:
        counters[NONFINITE_LOSSES] = worst.counters[NONFINITE_LOSSES]
        reasons[NONFINITE_LOSSES] = worst.reasons.get(NONFINITE_LOSSES, [])
    return counters, reasons


def checked(launch: Launch, name: str, log_end: Callable[[], str]) -> Launch:
    """Return a record of a launch whose values can be written and read again.

    Args:
        launch: Record of the launch.
        name: Name of the launch, for error messages.
        log_end: Function that returns the end of its log for them.

    Raises:
        WorkerError: If the worker has reported a value that is out of range.
    """
    try:
        return msgspec.convert(msgspec.to_builtins(launch), Launch)
    except msgspec.ValidationError as error:
        raise WorkerError(
            f"{name} reported a value that cannot be right: {error}\n{log_end()}"
        ) from error


def phase_seconds(answers: Sequence[Sequence[messages.Stepped]]) -> dict[str, tuple[float, ...]]:
    """Return the seconds of each phase for each step; in a process group, of the slowest rank.

    Args:
        answers: Answers of all ranks, for each step.
    """
    slowest = [max(step, key=lambda rank: rank.step_seconds) for step in answers]
    phases = dict.fromkeys(phase for rank in slowest for phase in rank.phase_seconds)
    return {
        phase: tuple(round(rank.phase_seconds.get(phase, 0.0), 7) for rank in slowest)
        for phase in phases
    }


def epoch_starts(answers: Sequence[Sequence[messages.Stepped]]) -> tuple[int, ...]:
    """Return the indexes of the steps in which rank 0 started its dataset again.

    Args:
        answers: Answers of all ranks, for each step.
    """
    return tuple(index for index, step in enumerate(answers) if step[0].starts_epoch)


def _total_growth(finish_messages: Sequence[messages.Finished]) -> float | None:
    """Return the growth of the memory of all ranks, in bytes per step; None if one is unknown."""
    growths = [rank.rss_growth_bytes_per_step for rank in finish_messages]
    known_growths = [growth for growth in growths if growth is not None]
    return sum(known_growths) if len(known_growths) == len(growths) else None


def _seconds_by_rank(
    answers: Sequence[Sequence[messages.Stepped]],
) -> tuple[tuple[float, ...], ...]:
    """Return the step times of each rank, or an empty tuple for a single rank."""
    if len(answers[0]) == 1:
        return ()
    return tuple(
        tuple(step.step_seconds for step in rank_steps) for rank_steps in zip(*answers, strict=True)
    )
