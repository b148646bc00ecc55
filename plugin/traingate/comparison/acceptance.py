"""Let an intended change through in a comparison with a commit, with the reason that a person gave.

The marker of the test has the reason and the limits of the change. It counts only in a comparison
with a commit whose version of the test's file lacks the reason, whatever its name was there. So the
acceptance is in the diff that a reviewer reads, and once it is merged, nothing more is let through
in its name.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from traingate.errors import ConfigurationError
from traingate.gate.counters import FAILING_COUNTERS, counter_regressions
from traingate.gate.limits import Limits
from traingate.gate.reduction import pairs_change
from traingate.records import Acceptance, Counts, Duet, Method, Outcome, Verdict


@dataclass(frozen=True)
class AcceptedChange:
    """Change that is let through.

    Attributes:
        reason: Reason that a person gave.
        test_file: File of the test, which must contain the reason.
        max_slowdown: Largest loss of throughput, in percent; None if a slowdown is not accepted.
        max_counters: Largest counts, by the name of the counter.
    """

    reason: str
    test_file: Path
    max_slowdown: float | None = None
    max_counters: Mapping[str, int] = field(default_factory=dict)


def accepted_change(limits: Limits, test_file: Path) -> AcceptedChange | None:
    """Return the change that the limits of a test accept, None if there is none.

    Args:
        limits: Limits that the markers of the test set.
        test_file: File of the test.

    Raises:
        ConfigurationError: If a counter is none of those that can fail a test.
    """
    reason, counters = limits.accept_reason, limits.accept_counters or {}
    if reason is None:
        return None
    unknown_names = counters.keys() - FAILING_COUNTERS
    if unknown_names:
        raise ConfigurationError(
            f"accept_counters names {', '.join(sorted(unknown_names))}; the counters that can fail "
            f"a test are {', '.join(sorted(FAILING_COUNTERS))}"
        )
    return AcceptedChange(reason, test_file, limits.accept_slowdown, counters)


def contains_text(source: str | bytes, text: str) -> bool:
    """Return whether the source of a module has a string that equals *text*.

    Strings that are written side by side count as the one that Python makes of them.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two for deep nesting
        return False
    return any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(module))


def base_counts_with(change: AcceptedChange | None, base: Counts, candidate: Counts) -> Counts:
    """Return the counts of the base as if it had the candidate's accepted counters already.

    Args:
        change: Change that is let through; None if there is none.
        base: Counts of the base.
        candidate: Counts of the candidate. A counter above the accepted count is not accepted.
    """
    accepted_names = [
        name
        for name, count in (change.max_counters if change else {}).items()
        if base.counters.get(name, 0) <= candidate.counters.get(name, 0) <= count
    ]
    counters = {name: candidate.counters.get(name, 0) for name in accepted_names}
    reasons = {name: candidate.reasons.get(name, ()) for name in accepted_names}
    return msgspec.structs.replace(
        base, counters={**base.counters, **counters}, reasons={**base.reasons, **reasons}
    )


def accept_change(change: AcceptedChange, verdict: Verdict, duet: Duet) -> Verdict:
    """Return the verdict of a duet with the acceptance, if there was something to accept.

    Args:
        change: Change that is let through.
        verdict: Verdict that ``compare_by_duet`` returned, with the same change.
        duet: Duet that it rests on.
    """
    counters = _accepted_counters(change, duet)
    is_slower = verdict.outcome in {Outcome.REGRESSED, Outcome.INCONCLUSIVE}
    max_slowdown = change.max_slowdown
    accepts_slowdown = (
        is_slower and max_slowdown is not None and _largest_slowdown(verdict, duet) <= max_slowdown
    )
    evidence = [f"accepted: {sentence}" for sentence in counters]
    if accepts_slowdown:
        evidence.append(f"accepted: slower by up to {max_slowdown:g} %")
    elif is_slower and max_slowdown is not None:
        evidence.append(f"the marker accepts at most {max_slowdown:g} % ({change.reason})")
    elif not counters:
        evidence.append(
            "nothing had to be accepted: remove accept_reason and its limits from the test's "
            f"marker ({change.reason})"
        )
    is_accepted = accepts_slowdown or (bool(counters) and not is_slower)
    if verdict.method is Method.COUNTERS:  # by counters that are not accepted
        is_accepted = False
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return msgspec.structs.replace(
        verdict,
        accepted=Acceptance(change.reason, now) if is_accepted else None,
        evidence=(*verdict.evidence, *evidence),
    )


def _largest_slowdown(verdict: Verdict, duet: Duet) -> float:
    """Return the slowdown in percent that must be accepted.

    Of an open verdict, this is the upper bound of the total time, as repeatable and as measured. Of
    REGRESSED it is the slowdown that the verdict shows, or the lower bound of the other total if
    that is larger: slow steps at other places in each launch are in the measured one only.
    """
    change = pairs_change(duet.pairs)
    lower, upper = zip(change.repeatable.loss_interval, change.plain.loss_interval, strict=True)
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return max(upper)
    return max(verdict.slowdown_percent or 0.0, *lower)


def _accepted_counters(change: AcceptedChange, duet: Duet) -> list[str]:
    """Return the counters that are worse and accepted, a sentence each."""
    base, candidate = duet.base_counts, duet.candidate_counts
    same_torch = duet.base_environment["torch"] == duet.candidate_environment["torch"]
    remaining = counter_regressions(
        base_counts_with(change, base, candidate), candidate, same_torch=same_torch
    )
    return [
        sentence
        for sentence in counter_regressions(base, candidate, same_torch=same_torch)
        if sentence not in remaining
    ]
