"""Explain a verdict: profile both sides of a duet, or compare the profiles of stored launches."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

import msgspec

from traingate.causes.explanation import explain_change
from traingate.causes.phases import Center, change_of_pairs, phases_of_launches, phases_of_pairs
from traingate.controller.duet import TakeProfiles
from traingate.controller.job import ProfilePlan
from traingate.controller.profiling import SideProfiles
from traingate.errors import TraingateError
from traingate.gate.counters import counter_regressions
from traingate.records import Duet, Measurement, Outcome, Verdict
from traingate.records.explanation import Explanation
from traingate.report.results import short_error

_PROFILED_SECONDS: Final = 0.3
"""Time of each turn in which a side is profiled: short steps vary more, relative to their time."""

_MIN_STEPS: Final = 2
_MAX_STEPS: Final = 30

_PATTERN_STEPS: Final = 10
"""Least steps of each such turn if only some steps have changed, so that these are among them."""

_NOTABLE_FIRST_SECONDS: Final = 0.5
_NOTABLE_SHARE: Final = 0.2

_GRAPH_COUNTERS: Final = {
    "dynamo_graphs": "graphs that Dynamo compiled",
    "xla_compilations": "graphs that XLA compiled",
}

_CHANGED: Final = frozenset({Outcome.REGRESSED, Outcome.IMPROVED})


def explain_by_profiles(
    verdict: Verdict, duet: Duet, plan: ProfilePlan | None, take_profiles: TakeProfiles
) -> tuple[Verdict, SideProfiles | None]:
    """Return the final verdict of a duet with its explanation, and the profiles of both sides.

    Both sides are profiled if the candidate has changed, or if the user has asked for traces.

    Args:
        verdict: Final verdict.
        duet: Its duet.
        plan: Plan of the candidate's profile; None if none was asked for.
        take_profiles: Function that profiles both sides.
    """
    folder = None if plan is None else plan.folder
    if verdict.outcome not in _CHANGED and folder is None:
        return verdict, None
    least = _PATTERN_STEPS if verdict.changed_steps else _MIN_STEPS
    steps = min(_MAX_STEPS, max(least, round(_PROFILED_SECONDS / _step_seconds(duet))))
    try:
        profiles = take_profiles(ProfilePlan(steps, folder=folder))
    except TraingateError as error:  # the verdict stands without them
        reason = short_error(error)
        note = f"the cause is unknown, because the sides could not be profiled: {reason}"
        return msgspec.structs.replace(verdict, evidence=(*verdict.evidence, note)), None
    if verdict.outcome in _CHANGED:
        center = statistics.fmean if verdict.changed_steps else statistics.median
        explanation = explain_duet(duet, profiles, center)
        verdict = msgspec.structs.replace(verdict, explanation=explanation)
    return verdict, profiles


def _step_seconds(duet: Duet) -> float:
    """Return the usual seconds of a step of the candidate."""
    return statistics.median(duet.pairs[-1].candidate_step_seconds)


def explain_duet(duet: Duet, profiles: SideProfiles, center: Center) -> Explanation:
    """Return where the candidate of a duet has lost or won time.

    Args:
        duet: Duet.
        profiles: Profiles of both sides.
        center: Function for the usual time of the steps of a pair.
    """
    change, interval = change_of_pairs(duet.pairs, center)
    same_torch = duet.base_environment["torch"] == duet.candidate_environment["torch"]
    regressions = counter_regressions(
        duet.base_counts, duet.candidate_counts, same_torch=same_torch
    )
    return explain_change(
        profiles.base,
        profiles.candidate,
        phases_of_pairs(duet.pairs, center),
        change,
        change_interval=interval,
        compilations=regressions,
        facts=tuple(_compilation_facts(duet)),
    )


def _compilation_facts(duet: Duet) -> Iterator[str]:
    """Yield the differences of the first step, which compiles, and of the numbers of graphs."""
    first = duet.pairs[0]  # later ones take what it has compiled from a cache
    old, new = first.base_first_seconds, first.candidate_first_seconds
    if abs(new - old) >= _NOTABLE_FIRST_SECONDS and abs(new - old) >= _NOTABLE_SHARE * max(
        old, new
    ):
        yield f"first step, with compilation: {old:.2f} to {new:.2f} s"
    for name, title in _GRAPH_COUNTERS.items():
        before, now = (
            counts.counters.get(name, 0) for counts in (duet.base_counts, duet.candidate_counts)
        )
        if before != now:
            yield f"{title}: {before} to {now}"


def explain_by_stored_profile(
    verdict: Verdict, stored: Measurement, measurement: Measurement
) -> Verdict:
    """Return a verdict by stored launches with its explanation, if both records have a profile.

    Args:
        verdict: Final verdict; one that has an explanation is returned as it is.
        stored: Record of the baseline.
        measurement: Record of the candidate.
    """
    if verdict.outcome not in _CHANGED or verdict.explanation is not None:
        return verdict
    return msgspec.structs.replace(verdict, explanation=explain_records(stored, measurement))


def explain_records(stored: Measurement, measurement: Measurement) -> Explanation | None:
    """Return where a record has lost or won time against another; None if one has no profile."""
    if stored.profile is None or measurement.profile is None:
        return None
    phases = phases_of_launches(stored.launches, measurement.launches)
    same_torch = stored.environment.get("torch") == measurement.environment.get("torch")
    return explain_change(
        stored.profile,
        measurement.profile,
        phases,
        sum(phase.change for phase in phases),
        compilations=counter_regressions(stored.counts, measurement.counts, same_torch=same_torch),
    )
