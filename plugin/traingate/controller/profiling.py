"""Profile the workers of a duet in turn, after their timed steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.controller.job import ProfilePlan
from traingate.controller.training_worker import TrainingWorker
from traingate.records.profile import Profile, mean_profile


@dataclass(frozen=True)
class SideProfiles:
    """Profiles of both sides, taken in the same minute.

    Attributes:
        candidate: Profile of the candidate.
        base: Profile of the base.
    """

    candidate: Profile
    base: Profile


def profile_in_turn(
    candidate: TrainingWorker, base: TrainingWorker, plan: ProfilePlan
) -> SideProfiles:
    """Return the profiles of two workers that have finished their timed steps.

    They take turns in the order candidate, base, base, candidate; one is stopped while the other
    steps. The slower profilers come last.

    Raises:
        WorkerError, WorkloadError: If a worker fails.
    """
    first = [worker.profile(plan.quick) for worker in (candidate, base)]
    last = [
        worker.profile(plan.for_side(name))
        for worker, name in ((base, "base"), (candidate, "candidate"))
    ][::-1]
    candidate_profile, base_profile = (
        _combined(profiles) for profiles in zip(first, last, strict=True)
    )
    return SideProfiles(candidate_profile, base_profile)


def _combined(profiles: Sequence[Profile]) -> Profile:
    """Return the mean of the profiles of one side.

    After the first one, a compiled step may have been compiled again to name its kernels, so that
    only the last profile has them.
    """
    return profiles[-1] if profiles[-1].is_compiled else mean_profile(profiles)
