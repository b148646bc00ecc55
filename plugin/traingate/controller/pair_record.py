"""Make the record of a pair from the steps of its two sides."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from traingate.controller.launch_record import epoch_starts, phase_seconds
from traingate.controller.steps import Steps
from traingate.controller.warm_up import WarmUp
from traingate.errors import BaselineError
from traingate.gate.reduction import common_epoch_starts, plain_log_ratio, yardstick_factors
from traingate.records import Launch, Pair


def pair_of_steps(
    candidate: Steps, base: Steps, steps_per_turn: int, warm_ups: Sequence[WarmUp]
) -> Pair:
    """Return the pair whose sides took turns step by step.

    Args:
        candidate: Steps of the candidate.
        base: Steps of the base, as many.
        steps_per_turn: Number of steps in each turn.
        warm_ups: Warm-ups of the candidate and of the base, with as many steps.
    """
    candidate_first_seconds, base_first_seconds = (
        warm_up.first_step_seconds for warm_up in warm_ups
    )
    return Pair(
        candidate_step_seconds=candidate.step_seconds,
        base_step_seconds=base.step_seconds,
        candidate_phase_seconds=phase_seconds(candidate.answers),
        base_phase_seconds=phase_seconds(base.answers),
        epoch_starts=epoch_starts(candidate.answers),
        candidate_first_seconds=candidate_first_seconds,
        base_first_seconds=base_first_seconds,
        warmup_steps=warm_ups[0].steps,
        steps_per_turn=steps_per_turn,
        log_ratio=plain_log_ratio(candidate.step_seconds, base.step_seconds),
        busy_turns=candidate.busy_turns + base.busy_turns,
    )


def pair_of_launches(candidate: Launch, base: Launch) -> Pair:
    """Return the pair whose sides took turns launch by launch: the steps that they share.

    A side that compiles longer takes more warm-up steps, and its measured steps begin later.

    Args:
        candidate: Launch of the candidate.
        base: Launch of the base.

    Raises:
        BaselineError: If no measured step has the same number in both launches.
    """
    launches = [candidate, base]
    first = max(launch.warmup_steps for launch in launches)
    last = min(launch.warmup_steps + len(launch.step_seconds) for launch in launches)
    if last <= first:
        raise BaselineError(
            f"the candidate warmed up for {candidate.warmup_steps} steps and the base for "
            f"{base.warmup_steps}, and then they share no step: raise --traingate-steps"
        )
    parts = [slice(first - launch.warmup_steps, last - launch.warmup_steps) for launch in launches]
    seconds = [launch.step_seconds[part] for launch, part in zip(launches, parts, strict=True)]
    factors = [
        tuple(launch_factors[part])
        for launch_factors, part in zip(yardstick_factors(launches), parts, strict=True)
    ]
    phases = [
        {phase: steps[part] for phase, steps in launch.phase_seconds.items()}
        for launch, part in zip(launches, parts, strict=True)
    ]
    relative_seconds = [
        list(map(operator.truediv, side_seconds, side_factors))
        for side_seconds, side_factors in zip(seconds, factors, strict=True)
    ]
    return Pair(
        candidate_step_seconds=seconds[0],
        base_step_seconds=seconds[1],
        candidate_yardstick=factors[0],
        base_yardstick=factors[1],
        candidate_phase_seconds=phases[0],
        base_phase_seconds=phases[1],
        candidate_first_seconds=candidate.first_step_seconds,
        base_first_seconds=base.first_step_seconds,
        epoch_starts=common_epoch_starts(candidate, launches),
        warmup_steps=first,
        steps_per_turn=0,
        log_ratio=plain_log_ratio(*relative_seconds),
        busy_turns=candidate.busy_visits + base.busy_visits,
    )
