"""A duet from its two jobs to its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.controller.duet import duet
from traingate.controller.job import Job, LaunchPlan, Observer
from traingate.gate.counters import faults, shifts, with_faults
from traingate.gate.decision import judge_pairs
from traingate.gate.policy import pair_policy
from traingate.records import Duet, Measurement, Outcome, Verdict

LEAST_PAIRS: Final = 2


@dataclass(frozen=True)
class Settled:
    """A duet and what it came to."""

    verdict: Verdict
    duet: Duet


def settle(
    job: Job,
    base: Job,
    measurement: Measurement,
    observer: Observer,
    *,
    tolerance: float,
    most: int,
) -> Settled:
    """Measure ``base`` beside ``job``, pair after pair, until that decides.

    Args:
        job: the candidate's.
        base: the other side's.
        measurement: of the candidate alone, which tells how much memory a launch takes.
        observer: told how far it is.
        tolerance: in percent.
        most: pairs at the most.

    Raises:
        As ``controller.duet``.
    """
    policy = pair_policy(tolerance, most)
    first = policy.first_look
    plan = LaunchPlan(first, most)
    ours = for_duet(job, measurement, plan)
    theirs = replace(for_duet(base, measurement, plan), work=None)

    def decided(so_far: Duet) -> bool:
        verdict = judge_pairs(so_far.pairs, measurement.batch_size, policy)
        found = _faults(so_far)
        return verdict.outcome is not Outcome.INCONCLUSIVE or bool(found)

    result = duet(ours, theirs, plan, decided, observer)
    verdict = judge_pairs(result.pairs, measurement.batch_size, policy)
    verdict = msgspec.structs.replace(
        verdict,
        baseline=_described(result),
        evidence=(
            *environment_changes(result.base_environment, result.candidate_environment),
            *shifts(result.base_account, result.candidate_account),
            *_unrest(result),
        ),
    )
    return Settled(with_faults(verdict, _faults(result)), result)


def for_duet(job: Job, measurement: Measurement, plan: LaunchPlan) -> Job:
    """``job`` as a side of a duet of so many pairs, with what ``measurement`` has taught of it."""
    return replace(
        job,
        duet=True,
        profile=False,
        launches=plan,
        work=(measurement.flops_per_sample, measurement.operators_per_step),
        peak_rss_bytes=measurement.peak_rss_bytes,
    )


def _faults(result: Duet) -> list[str]:
    same = result.base_environment["torch"] == result.candidate_environment["torch"]
    return faults(result.base_account, result.candidate_account, same_torch=same)


def _unrest(result: Duet) -> list[str]:
    """What to know where a side did not sleep while the other stepped."""
    restless = sum(pair.restless_turns for pair in result.pairs)
    if not restless:
        return []
    return [
        f"after {restless} turns a side still computed (data workers?) while the other stepped: "
        "that draws the two together"
    ]


def _described(result: Duet) -> str:
    software = result.base_environment
    return f"{result.base}, Python {software['python']}, torch {software['torch']}"
