"""Compare two jobs by a duet, from their preparation to the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import msgspec

from traingate.baselines.comparability import environment_changes
from traingate.comparison.acceptance import AcceptedChange, base_counts_with
from traingate.comparison.explanation import explain_by_profiles
from traingate.comparison.lack_of_files import missing_file_advice
from traingate.comparison.lack_of_memory import failed_for_memory
from traingate.controller.duet import TakeProfiles, fit_together, measure_duet
from traingate.controller.job import Job, LaunchPlan, Observer, ProfilePlan
from traingate.controller.profiling import SideProfiles
from traingate.errors import TraingateError, WorkloadError
from traingate.gate.counters import counter_regressions, failed_by_counters, work_changes
from traingate.gate.decision import judge_pairs
from traingate.gate.policy import Policy, pair_policy
from traingate.host.memory import oom_kill_counter
from traingate.protocol import messages
from traingate.records import Duet, Measurement, Outcome, Verdict

MIN_PAIRS: Final = 2
"""Smallest number of pairs that has a spread."""

_TOOK_TURNS: Final = (
    "side by side, one side ran out of memory or was killed, so whole launches took turns instead "
    "of steps"
)


@dataclass(frozen=True)
class DuetResult:
    """Duet with the verdict on it.

    Attributes:
        verdict: Decision, with the differences between the sides as its evidence.
        duet: Pairs of launches.
        profiles: Profiles of both sides, if they were taken.
    """

    verdict: Verdict
    duet: Duet
    profiles: SideProfiles | None = None

    @property
    def passes(self) -> bool:
        """Return whether the candidate is no slower."""
        return self.verdict.outcome in {Outcome.PASSED, Outcome.IMPROVED}


def compare_by_duet(
    job: Job,
    base: Job,
    measurement: Measurement,
    observer: Observer,
    *,
    tolerance: float,
    max_pairs: int,
    accepted: AcceptedChange | None = None,
    explains: bool = True,
) -> DuetResult:
    """Measure *base* in turn with *job*, pair after pair, until the pairs decide.

    Args:
        job: Job of the candidate.
        base: Job of the base.
        measurement: Measurement of the candidate alone, which shows how much memory it needs.
        observer: Receiver of the progress.
        tolerance: Largest loss of throughput that is let through, in percent.
        max_pairs: Largest number of pairs.
        accepted: Change whose counters fail nothing; None if there is none.
        explains: Whether to profile both sides if one is slower.

    Raises:
        BaselineError, WorkloadError, WorkerError, DuetInterrupted: If ``measure_duet`` raises them.
    """
    policy = pair_policy(tolerance, max_pairs)
    plan = LaunchPlan(policy.first_look, max_pairs)
    candidate = as_duet_side(job, measurement, plan)
    base = replace(as_duet_side(base, measurement, plan), work=None)
    judge = _Judge(measurement.batch_size, policy, accepted, job.profile)
    on_decided = judge.profile if explains else None
    by_steps = fit_together(candidate, base)
    kills = oom_kill_counter()
    try:
        measure_duet(
            candidate, base, plan, judge.look, observer, by_steps=by_steps, on_decided=on_decided
        )
    except TraingateError as error:
        if not by_steps or not failed_for_memory(error, oom_kill_counter() - kills):
            advice = missing_file_advice(error, base)
            if advice is None:
                raise
            raise WorkloadError(f"{error}\n{advice}") from error
        judge.notes = (_TOOK_TURNS,)
        measure_duet(candidate, base, plan, judge.look, observer, by_steps=False)
    assert judge.result is not None
    return judge.result


@dataclass
class _Judge:
    """Judge of a duet, whose result is that of the last look.

    Attributes:
        batch_size: Samples per step.
        policy: Tolerance and number of pairs.
        accepted: Change whose counters fail nothing; None if there is none.
        plan: Plan of the candidate's profile; None if none was asked for.
        notes: Sentences to add to the evidence.
        result: Result of the last look; None before the first one.
    """

    batch_size: int
    policy: Policy
    accepted: AcceptedChange | None
    plan: ProfilePlan | None
    notes: tuple[str, ...] = ()
    result: DuetResult | None = None

    def look(self, duet: Duet) -> bool:
        """Judge the pairs so far, and return whether they decide."""
        verdict = _judge(duet, self.batch_size, self.policy, self.accepted)
        verdict = msgspec.structs.replace(verdict, evidence=(*verdict.evidence, *self.notes))
        self.result = DuetResult(verdict, duet)
        return verdict.outcome is not Outcome.INCONCLUSIVE

    def profile(self, take_profiles: TakeProfiles) -> None:
        """Explain the verdict of the last look by profiles of both sides."""
        assert self.result is not None
        verdict, profiles = explain_by_profiles(
            self.result.verdict, self.result.duet, self.plan, take_profiles
        )
        self.result = DuetResult(verdict, self.result.duet, profiles)


def as_duet_side(job: Job, measurement: Measurement, plan: LaunchPlan) -> Job:
    """Return *job* as one side of a duet.

    Args:
        job: Job of either side. A base keeps its own memory, also if that is not known; the
            candidate gets that of *measurement*.
        measurement: Measurement of the candidate alone: its memory helps to decide whether two
            launches fit into memory together, and its operations need not be counted again.
        plan: Number of pairs.
    """
    return replace(
        job,
        is_duet_side=True,
        profile=None,
        launches=plan,
        work=messages.WorkCounted(measurement.flops_per_sample, measurement.operators_per_step),
        peak_rss_bytes=job.peak_rss_bytes if job.side else measurement.peak_memory_bytes,
    )


def _judge(duet: Duet, batch_size: int, policy: Policy, accepted: AcceptedChange | None) -> Verdict:
    """Return the verdict on the pairs so far, counters included."""
    same_torch = duet.base_environment["torch"] == duet.candidate_environment["torch"]
    base_counts = base_counts_with(accepted, duet.base_counts, duet.candidate_counts)
    regressions = counter_regressions(base_counts, duet.candidate_counts, same_torch=same_torch)
    verdict = judge_pairs(duet.pairs, batch_size, policy)
    busy_turns_note = _busy_turns_note(duet)
    passes = verdict.outcome in {Outcome.PASSED, Outcome.IMPROVED}
    verdict = msgspec.structs.replace(
        verdict,
        outcome=Outcome.INCONCLUSIVE if passes and busy_turns_note else verdict.outcome,
        baseline=_base_title(duet),
        evidence=(
            *environment_changes(duet.base_environment, duet.candidate_environment),
            *work_changes(duet.base_counts, duet.candidate_counts),
            *busy_turns_note,
        ),
    )
    return failed_by_counters(verdict, regressions)


def _busy_turns_note(duet: Duet) -> list[str]:
    """Return a note if a side could not be stopped while the other stepped."""
    busy_turns = sum(pair.busy_turns for pair in duet.pairs)
    if not busy_turns:
        return []
    return [
        f"after {busy_turns} turns, a process of one side could not be stopped while the other "
        "side stepped: the difference may look smaller than it is"
    ]


def _base_title(duet: Duet) -> str:
    """Return the description of the base with the versions of its Python and its torch."""
    software = duet.base_environment
    return f"{duet.base}, Python {software['python']}, torch {software['torch']}"
