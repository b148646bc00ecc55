"""Compare the counters of two sides: decisions that need no statistics. Pure, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from traingate.protocol.shared_names import COMPILATIONS
from traingate.records import Counts, Launch, Measurement, Method, Outcome, Verdict

_REGRESSING_COUNTERS: Final = {
    "dynamo_graph_breaks": ("graph break", "graph breaks"),
    "dynamo_recompiles": ("recompilation", "recompilations"),
    COMPILATIONS: (
        "compilation inside the measured steps",
        "compilations inside the measured steps",
    ),
    "xla_fallbacks": ("operator that XLA hands back", "operators that XLA hands back"),
}
"""Counters that can fail a test, however fast its steps are: the words for one occurrence and for
several, by the name of the counter."""

FAILING_COUNTERS: Final = frozenset(_REGRESSING_COUNTERS)
"""Names of the counters that can fail a test."""

_COMPARABLE_SINCE_SCHEMA: Final = 4
"""First version of the schema in which all launches have the same seed."""

_PRESENCE_ONLY: Final = {COMPILATIONS}
"""Counters that grow with the number of steps: only whether they are zero is compared."""

_STABLE_REASONS: Final = {"dynamo_graph_breaks"}
"""Counters whose reasons are the same in each launch, so that a new reason is a regression
even if another reason has disappeared."""


def counter_regressions(base: Counts, candidate: Counts, *, same_torch: bool = True) -> list[str]:
    """Return the counters that are worse than on the base, a sentence each with its reasons.

    Args:
        base: Counts of the base or baseline.
        candidate: Counts of the candidate.
        same_torch: True if both sides have the same version of torch. Other versions word the same
            reason differently; then only numbers are compared.
    """
    sentences = []
    for name, words in _REGRESSING_COUNTERS.items():
        before, after = base.counters.get(name, 0), candidate.counters.get(name, 0)
        new_reasons = _new_reasons(base.reasons.get(name, ()), candidate.reasons.get(name, ()))
        if name in _PRESENCE_ONLY:
            is_worse = after > 0 and not before
        else:
            compare_reasons = same_torch and name in _STABLE_REASONS
            is_worse = after > before or (compare_reasons and bool(new_reasons))
        if is_worse:
            reasons = new_reasons or candidate.reasons.get(name, ())
            listed = ": " + "\n    ".join(reasons) if reasons else ""
            sentences.append(f"{after} {words[after > 1]}, {before} before{listed}")
    return sentences


def stored_counter_regressions(stored: Measurement, candidate: Measurement) -> list[str]:
    """Return the counters that are worse than in a stored record.

    Args:
        stored: Record of the baseline. Before schema 4, launches had different seeds and no
            reasons of their own, so an older record gives no regressions. Nor does one with
            another number of steps, in which other things may happen.
        candidate: Record of the candidate.
    """
    if stored.schema < _COMPARABLE_SINCE_SCHEMA or _step_counts(stored) != _step_counts(candidate):
        return []
    same_torch = stored.environment.get("torch") == candidate.environment.get("torch")
    sentences: list[str] = []
    for old, new in _matching_launches(stored, candidate):
        sentences += counter_regressions(_counts(old), _counts(new), same_torch=same_torch)
    return list(dict.fromkeys(sentences))


def _matching_launches(
    stored: Measurement, candidate: Measurement
) -> Iterator[tuple[Sequence[Launch], Sequence[Launch]]]:
    """Yield groups of launches, one of each record, with equal numbers and equal compile caches.

    The first launch compiles with an empty cache, and later ones find what it has compiled. The
    maximum of more launches would be larger by chance, if a counter is not the same in each launch.
    """
    count = min(len(stored.launches), len(candidate.launches))
    for part in (slice(1), slice(1, count)):
        if stored.launches[part] and candidate.launches[part]:
            yield stored.launches[part], candidate.launches[part]


def _step_counts(record: Measurement) -> set[int]:
    """Return the numbers of measured steps of the launches of a record."""
    return {len(launch.step_seconds) for launch in record.launches}


def _counts(launches: Sequence[Launch]) -> Counts:
    """Return the counts of several launches together."""
    counts = Counts(counters={})
    for launch in launches:
        counts = counts.merged_with(launch.counters, launch.reasons)
    return counts


def failed_by_counters(verdict: Verdict, regressions: Sequence[str]) -> Verdict:
    """Return *verdict* as it is, or as REGRESSED if there are counter regressions."""
    if not regressions:
        return verdict
    return msgspec.structs.replace(
        verdict, outcome=Outcome.REGRESSED, method=Method.COUNTERS, reason="; ".join(regressions)
    )


def work_changes(base: Counts, candidate: Counts) -> list[str]:
    """Return how the work of a step has changed, a line each: evidence, and no regression."""
    lines = []
    for title, before, after in (
        ("FLOPs per sample", base.flops_per_sample, candidate.flops_per_sample),
        ("operators per step", base.operators_per_step, candidate.operators_per_step),
    ):
        if before and after and before != after:
            change = 100 * (after / before - 1)
            lines.append(f"{title}: {before:.6g} before, {after:.6g} now ({change:+.1f} %)")
    return lines


def _new_reasons(base: Sequence[str], candidate: Sequence[str]) -> list[str]:
    """Return the candidate's reasons that the base lacks, wherever in a file they occur."""
    reason_counts = Counter(map(_without_location, base))
    new_reasons = []
    for line in candidate:
        reason_counts[_without_location(line)] -= 1
        if reason_counts[_without_location(line)] < 0:
            new_reasons.append(line)
    return new_reasons


def _without_location(line: str) -> str:
    """Return a reason without its file and line number, which any edit may change."""
    return line.partition(": ")[2]
