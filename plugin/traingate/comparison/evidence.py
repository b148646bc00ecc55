"""Cause and evidence of a verdict, from the screen, the duet and what differs."""

from __future__ import annotations

import msgspec

from traingate.comparison.duet import Settled
from traingate.records import Verdict
from traingate.report.verdict import loss


def because(verdict: Verdict, cause: str | None, *why: str) -> Verdict:
    """Return *verdict* with a cause and further evidence."""
    return msgspec.structs.replace(verdict, cause=cause, evidence=(*verdict.evidence, *why))


def beside(settled: Settled) -> str:
    """Say what a duet in today's environment saw of the code."""
    return (
        f"the code differs too: in this environment it is {seen(settled.verdict)} than "
        f"{settled.duet.base} ({settled.verdict.outcome.value})"
    )


def seen(verdict: Verdict) -> str:
    """Say how much slower or faster a verdict found it."""
    return loss(verdict.slowdown_percent or 0.0)
