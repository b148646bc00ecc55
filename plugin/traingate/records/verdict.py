"""The decision of the gate on one test, with its evidence."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from traingate.records.units import Count, Interval, Positive


class Outcome(str, Enum):
    """The decisions that the gate can come to."""

    PASSED = "PASSED"
    REGRESSED = "REGRESSED"
    IMPROVED = "IMPROVED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO_BASELINE"


class Method(str, Enum):
    """The measurements that a verdict rests on."""

    LAUNCHES = "stored launches"
    STEPS = "duet, step by step"
    TURNS = "duet, launch by launch"
    COUNTERS = "counters"


class Cause(str, Enum):
    """The difference between two sides that a regression was traced to."""

    CODE = "code"
    ENVIRONMENT = "environment"
    BOTH = "both"
    EITHER = "either"
    """Both differ, and which of them is slower could not be told."""


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's decision that a failed record serves as a baseline all the same.

    Attributes:
        reason: Explanation that the person gave.
        at: Date and time of the decision, in ISO format.
    """

    reason: Annotated[str, Meta(min_length=1)]
    at: str


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gate's decision with its evidence. Slowdowns are losses of throughput, in percent.

    Attributes:
        outcome: The decision.
        failed: True if the test failed its gate; such a record is no baseline.
        method: Measurements that the decision rests on; null if there are none.
        cause: Origin of a regression, null where it was not traced.
        evidence: Further findings, a sentence each: differences between the sides, counters.
        accepted: Acceptance by a person of a record that had failed.
        tolerance_percent: Largest loss of throughput that is let through.
        slowdown_percent, slowdown_percent_interval: Estimate with its 95 % interval;
            negative for a gain, null for fewer than three launches.
        missable_slowdown_percent: Largest slowdown that the decision may have missed.
        launches, baseline_launches: Number of launches that the decision rests on; in a duet,
            the number of pairs.
        samples_per_second, baseline_samples_per_second: Throughput of each side, as measured.
        baseline: Description of the other side.
        reason: Explanation of a missing decision, or of another failure of the gate.
    """

    outcome: Outcome
    failed: bool = False
    method: Method | None = None
    cause: Cause | None = None
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
        """Return True if it failed by nothing but an absolute limit, which ``reason`` names."""
        failed_by_comparison = self.outcome in {Outcome.REGRESSED, Outcome.INCONCLUSIVE}
        return self.failed and not failed_by_comparison
