"""Find the candidates of a heat that have failed, and say why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from traingate.comparison.lack_of_memory import failed_for_memory
from traingate.controller.heat import HeatLaunch, MeasuredHeat
from traingate.errors import TraingateError, WorkerKilledError
from traingate.protocol.shared_names import NONFINITE_LOSSES, SKIPPED_UPDATES
from traingate.races.running import Failure
from traingate.records import Measurement
from traingate.records.race import Race
from traingate.report.terminal_text import terminal_text
from traingate.tuning.launches import peak_bytes, soundness_counters
from traingate.tuning.memory import Shortage

_REASON_LENGTH: Final = 300

_GIB: Final = 2**30


def failures_of_heat(
    heat: MeasuredHeat,
    numbers: Sequence[int],
    race: Race,
    max_memory_bytes: int | None,
    shortage: Shortage,
) -> list[Failure]:
    """Return the candidates of a heat that have failed, or that need too much memory.

    Args:
        heat: Heat.
        numbers: Index of the candidate of each launch.
        race: Race before the heat.
        max_memory_bytes: Largest memory that a candidate may take; None for no limit.
        shortage: Shortage of memory meanwhile.
    """
    failures = []
    measured = race.measured
    newcomers = [number for number in numbers if number not in measured]
    for launch in heat.launches:
        number = numbers[launch.number]
        unsound_reason = reason_if_unsound(launch, race.plain)
        if launch.error is not None:
            reason = reason_of(launch.error)
            if shortage is not Shortage.NONE and lacked_memory(launch.error, 1):
                if shortage is Shortage.OF_MANY:
                    continue
                reason = f"the machine ran out of memory: {reason}"
                if number in measured and len(newcomers) == 1:
                    # The kernel ends the largest process, and this one has fitted before.
                    number, reason = newcomers[0], "the machine ran out of memory while it ran"
            failures.append(Failure(number, "failed", reason))
        elif unsound_reason:
            failures.append(Failure(number, "failed", unsound_reason))
        elif max_memory_bytes is not None and peak_bytes(launch) > max_memory_bytes:
            taken, allowed = peak_bytes(launch) / _GIB, max_memory_bytes / _GIB
            reason = f"it took {taken:.2f} GiB, and --max-memory allows {allowed:.2f} GiB"
            failures.append(Failure(number, "memory", reason))
    return list({failure.candidate: failure for failure in failures}.values())


def lacked_memory(error: TraingateError, oom_kills: int) -> bool:
    """Return whether a launch probably failed for lack of memory.

    Args:
        error: Error that ended it.
        oom_kills: Growth of the kernel's counter of processes killed for lack of memory.
    """
    if isinstance(error, WorkerKilledError) and not oom_kills:
        return False  # a workload may kill itself
    return failed_for_memory(error, oom_kills)


def reason_of(error: Exception) -> str:
    """Return an error as one line: its first line, and the exception of a traceback in it."""
    text = terminal_text(str(error))
    lines = [line.rstrip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    reason = lines[0].strip().removesuffix(":")
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    if frames:
        later_lines = lines[frames[-1] + 1 :]
        reason += f": {next((line for line in later_lines if not line.startswith(' ')), '')}"
    return reason if len(reason) <= _REASON_LENGTH else f"{reason[: _REASON_LENGTH - 1]}…"


def reason_if_unsound(launch: HeatLaunch, plain: Measurement) -> str:
    """Return why the training of a launch computes nothing of use; empty if it does.

    Such a training may be faster than a sound one.

    Args:
        launch: Launch.
        plain: Measurement of the plain workload.
    """
    counters = soundness_counters(launch)
    steps = len(launch.turns) * launch.steps_per_turn
    losses = counters.get(NONFINITE_LOSSES, 0)
    if losses and not plain.counters.get(NONFINITE_LOSSES):
        return f"its loss was NaN or infinite in {losses} of {steps} steps, and that of plain never"
    updates = counters.get(SKIPPED_UPDATES, 0)
    if 2 * updates > steps and not plain.counters.get(SKIPPED_UPDATES):
        return f"its loss scaler left out the update in {updates} of {steps} steps"
    return ""
