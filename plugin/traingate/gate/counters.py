"""What needs no statistics: absolute limits of a marker, and counters. Pure, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from traingate.records import Account, Measurement, Method, Outcome, Verdict

_FAULTS: Final = {
    "dynamo_graph_breaks": ("graph break", "graph breaks"),
    "dynamo_recompiles": ("recompilation", "recompilations"),
    "compilations_in_measured_steps": (
        "compilation inside the measured steps",
        "compilations inside the measured steps",
    ),
    "xla_fallbacks": ("operator that XLA hands back", "operators that XLA hands back"),
}
"""Counters of which more than before is a fault, however fast the step."""

_COUNTED_ALIKE_SINCE_SCHEMA: Final = 3

_ONLY_WHETHER: Final = {"compilations_in_measured_steps"}
"""Their number grows with the number of steps."""

_STABLE_REASONS: Final = {"dynamo_graph_breaks"}
"""Their reasons do not name what differs from launch to launch, so that a new one is a new fault,
also where another has gone."""


def faults(base: Account, now: Account, *, same_torch: bool = True) -> list[str]:
    """What is new since ``base`` and wrong by itself, a sentence each with its reason.

    Args:
        base: what was counted there.
        now: what is counted here.
        same_torch: another version words the same reason otherwise; then only numbers tell.
    """
    found = []
    for name, words in _FAULTS.items():
        before, after = base.counters.get(name, 0), now.counters.get(name, 0)
        lines = _new_reasons(base.reasons.get(name, ()), now.reasons.get(name, ()))
        if name in _ONLY_WHETHER:
            worse = after > 0 and not before
        else:
            told = same_torch and name in _STABLE_REASONS
            worse = after > before or (told and bool(lines))
        if worse:
            why = "".join(f"\n    {line}" for line in lines or now.reasons.get(name, ()))
            found.append(f"{after} {words[after > 1]}, {before} before{':' if why else ''}{why}")
    return found


def stored_faults(stored: Measurement, now: Measurement) -> list[str]:
    """``faults`` since a stored record; none where its counters had another meaning."""
    if stored.schema < _COUNTED_ALIKE_SINCE_SCHEMA:
        return []
    same = stored.environment.get("torch") == now.environment.get("torch")
    return faults(stored.account, now.account, same_torch=same)


def with_faults(verdict: Verdict, found: Sequence[str]) -> Verdict:
    """``verdict``, or a failing one where a counter tells a fault by itself."""
    if not found:
        return verdict
    return msgspec.structs.replace(
        verdict, outcome=Outcome.REGRESSED, method=Method.COUNTERS, reason="; ".join(found)
    )


def _new_reasons(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """The reasons of ``now`` beyond those of ``before``, wherever their places have moved to."""
    known = Counter(map(_without_place, before))
    new = []
    for line in now:
        known[_without_place(line)] -= 1
        if known[_without_place(line)] < 0:
            new.append(line)
    return new


def _without_place(line: str) -> str:
    """A reason without file and line number, which any edit may move."""
    return line.partition(": ")[2]


def shifts(base: Account, now: Account) -> list[str]:
    """How the work itself has changed: evidence for a change of speed, and no fault."""
    found = []
    for title, before, after in (
        ("FLOPs per sample", base.flops_per_sample, now.flops_per_sample),
        ("operators per step", base.operators_per_step, now.operators_per_step),
    ):
        if before and after and before != after:
            change = 100 * (after / before - 1)
            found.append(f"{title}: {before:.6g} before, {after:.6g} now ({change:+.1f} %)")
    return found
