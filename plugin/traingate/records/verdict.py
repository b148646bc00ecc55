"""The decision of the gate on one test, with its evidence."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from traingate.records.units import Count, Interval, Positive


class Outcome(str, Enum):
    """What the gate decided."""

    PASSED = "PASSED"
    REGRESSED = "REGRESSED"
    IMPROVED = "IMPROVED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO_BASELINE"


class Method(str, Enum):
    """What a verdict rests on."""

    LAUNCHES = "stored launches"
    STEPS = "duet, step by step"
    TURNS = "duet, launch by launch"
    COUNTERS = "counters"


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's word that a failed record is to be a baseline all the same.

    Attributes:
        reason: why.
        at: when, in ISO format.
    """

    reason: Annotated[str, Meta(min_length=1)]
    at: str


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gate's decision with its evidence. Slowdowns are losses of throughput, in percent.

    Attributes:
        outcome: the decision.
        failed: whether the test failed its gate; such a record is no baseline.
        method: what the decision rests on; null where there is none.
        cause: ``code``, ``environment`` or ``both``, where a regression could be traced;
            ``either`` where both differ and it could not.
        evidence: what else is known: what differs, what the counters say; a sentence each.
        accepted: set when a person has accepted the record as a baseline though it failed.
        tolerance_percent: the largest loss that is let through.
        slowdown_percent, slowdown_percent_interval: estimate with its 95 % interval;
            negative for a gain, null where fewer than three launches leave it open.
        missable_slowdown_percent: the largest slowdown that the decision may have missed.
        launches, baseline_launches: how many the decision rests on; in a duet, as many pairs.
        samples_per_second, baseline_samples_per_second: as measured, on each side.
        baseline: where the other side was found.
        reason: why there is no decision, or what else failed the gate.
    """

    outcome: Outcome
    failed: bool = False
    method: Method | None = None
    cause: str | None = None
    evidence: tuple[str, ...] = ()
    accepted: Acceptance | None = None
    tolerance_percent: Annotated[float, Meta(gt=0, lt=50)]
    slowdown_percent: float | None = None
    slowdown_percent_interval: Interval | None = None
    missable_slowdown_percent: float | None = None
    launches: Count = 0
    baseline_launches: Count = 0
    samples_per_second: Positive | None = None
    baseline_samples_per_second: Positive | None = None
    baseline: str | None = None
    reason: str | None = None

    @property
    def breaks_a_limit(self) -> bool:
        """Whether it failed by an absolute limit, which ``reason`` tells, and by that alone."""
        own = self.outcome in {Outcome.REGRESSED, Outcome.INCONCLUSIVE}
        return self.failed and not own
