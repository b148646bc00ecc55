"""Make the record of a pair from the steps of its two sides."""

from __future__ import annotations

from traingate.controller.launch_record import epoch_starts, phase_seconds
from traingate.controller.steps import Steps
from traingate.gate.reduction import plain_log_ratio, yardstick_factors
from traingate.records import Launch, Pair


def pair_of_steps(candidate: Steps, base: Steps, steps_per_turn: int, warmup_steps: int) -> Pair:
    """Return the pair whose sides took turns step by step.

    Args:
        candidate: Steps of the candidate.
        base: Steps of the base, as many.
        steps_per_turn: Number of steps in each turn.
        warmup_steps: Number of warm-up steps that each side took after its first step.
    """
    return Pair(
        candidate_step_seconds=candidate.step_seconds,
        base_step_seconds=base.step_seconds,
        candidate_phase_seconds=phase_seconds(candidate.answers),
        base_phase_seconds=phase_seconds(base.answers),
        epoch_starts=epoch_starts(candidate.answers),
        warmup_steps=warmup_steps,
        steps_per_turn=steps_per_turn,
        log_ratio=plain_log_ratio(candidate.step_seconds, base.step_seconds),
        busy_turns=candidate.busy_turns + base.busy_turns,
    )


def pair_of_launches(candidate: Launch, base: Launch) -> Pair:
    """Return the pair whose sides took turns launch by launch.

    Args:
        candidate: Launch of the candidate.
        base: Launch of the base, with as many steps.
    """
    candidate_yardstick, base_yardstick = map(tuple, yardstick_factors([candidate, base]))
    relative_seconds = [
        [seconds / factor for seconds, factor in zip(launch.step_seconds, factors, strict=True)]
        for launch, factors in ((candidate, candidate_yardstick), (base, base_yardstick))
    ]
    return Pair(
        candidate_step_seconds=candidate.step_seconds,
        base_step_seconds=base.step_seconds,
        candidate_yardstick=candidate_yardstick,
        base_yardstick=base_yardstick,
        candidate_phase_seconds=candidate.phase_seconds,
        base_phase_seconds=base.phase_seconds,
        epoch_starts=candidate.epoch_starts,
        warmup_steps=candidate.warmup_steps,
        steps_per_turn=0,
        log_ratio=plain_log_ratio(*relative_seconds),
    )
