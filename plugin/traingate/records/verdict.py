"""Define the verdict of the gate on one test, with its evidence."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct

from traingate.records.explanation import Explanation
from traingate.records.units import Count, Interval, Positive


class Outcome(str, Enum):
    """Decision of the gate."""

    PASSED = "PASSED"
    """Every slowdown of twice the tolerance or more is excluded."""
    REGRESSED = "REGRESSED"
    """Every slowdown up to the tolerance is excluded, or a counter is worse than before."""
    IMPROVED = "IMPROVED"
    """Every speed-up up to the tolerance is excluded, and every slowdown."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """The launches allowed do not decide between the others, or two ways to measure disagree."""
    NO_BASELINE = "NO_BASELINE"
    """There was nothing to compare with."""


class Method(str, Enum):
    """Kind of measurement that a verdict rests on."""

    LAUNCHES = "stored launches"
    """Launches of the candidate, compared with stored ones relative to the yardstick."""
    STEPS = "duet, step by step"
    """Pairs of launches whose steps took turns."""
    TURNS = "duet, launch by launch"
    """Pairs of launches that took turns as a whole, compared relative to the yardstick."""
    COUNTERS = "counters"
    """Counters, such as graph breaks, which need no statistics."""


class Cause(str, Enum):
    """Difference between the two sides that explains a regression."""

    CODE = "code"
    """The code is slower in the same environment."""
    ENVIRONMENT = "environment"
    """The environment differs, and the code is the same or was not found slower."""
    BOTH = "both"
    """The environment differs, and the code is slower in the same environment too."""
    EITHER = "either"
    """Both may differ, and the measurements do not show which of them is slower."""


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """Decision of a person to let a change through: a failed record, or a marker's acceptance.

    Attributes:
        reason: Explanation that the person gave.
        at: Date and time in UTC, in ISO 8601 format, of the decision; of an acceptance in a marker,
            of the comparison that let the change through.
    """

    reason: Annotated[str, Meta(min_length=1)]
    at: str


class AnchorResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Comparison with an older state than the newest baseline, by which small losses add up.

    Attributes:
        title: Description of the anchor.
        outcome: Decision; None if it could not be compared.
        tolerance_percent: Largest loss of throughput since the anchor that is let through, in
            percent.
        slowdown_percent: Estimate of the slowdown, negative for a gain; None if nothing was
            compared.
        slowdown_percent_interval: 95 % interval of ``slowdown_percent``; None if it is unknown.
        obstacle: Reason for which it could not be compared; None if it was.
    """

    title: str
    outcome: Outcome | None = None
    tolerance_percent: Annotated[float, Meta(gt=0, lt=50)]
    slowdown_percent: float | None = None
    slowdown_percent_interval: Interval | None = None
    obstacle: str | None = None


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Decision of the gate on one test, with its evidence.

    A slowdown is a loss of throughput in percent of the base's or baseline's throughput.

    Attributes:
        outcome: Decision.
        failed: True if the test failed its gate, by the outcome or by a limit of its marker. A
            failed record is not used as a baseline unless it is accepted.
        method: Kind of measurement that the decision rests on; None if nothing was compared.
        cause: Cause of a regression; None for other outcomes, or if it was not determined.
        evidence: Further facts, a sentence each, such as differences between the two sides.
        accepted: Acceptance by a person, of the failed record or of the change that the test's
            marker lets through; None if there is none.
        tolerance_percent: Largest loss of throughput that is let through, in percent.
        slowdown_percent: Estimate of the slowdown, negative for a gain; None if nothing was
            compared.
        slowdown_percent_interval: 95 % interval of ``slowdown_percent``; None if nothing was
            compared, or if there were too few launches to estimate their spread.
        missable_slowdown_percent: Largest slowdown that the decision could have missed: the upper
            bound at the error that it may spend on passes. None if
            ``slowdown_percent_interval`` is None.
        changed_steps: Steps that carry most of the change, in words, such as ``every fifth step``;
            None if all steps changed alike, or if the verdict is neither REGRESSED nor IMPROVED.
        compared_steps: Number of steps of each launch that were compared. Slow steps that come less
            often than once in so many were not seen. 0 if nothing was compared.
        launches: Number of launches of the candidate, in a duet the number of pairs.
        baseline_launches: Number of stored launches, in a duet the number of pairs.
        samples_per_second: Throughput of the candidate, as measured.
        baseline_samples_per_second: Throughput of the base or baseline, as measured; None if
            nothing was compared.
        baseline: Description of the base or baseline; None if nothing was compared.
        reason: Reason for the lack of a baseline, or counters that are worse; None if there is
            neither.
        broken_limits: Limits of the marker that the measurement breaks, a sentence each. Records of
            schema 3 and earlier have them in ``reason``.
        explanation: Explanation of the change, if both sides were profiled.
        anchor: Comparison with the anchor; None if there is none. If the anchor alone shows a
            regression, the other fields are those of the comparison with the anchor.
        disagreement: Sentence on stored launches that were faster than a duet explains, in an
            environment that no record shows to be another; None if there is no such disagreement.
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
    changed_steps: str | None = None
    compared_steps: Count = 0
    launches: Count = 0
    baseline_launches: Count = 0
    samples_per_second: Positive | None = None
    baseline_samples_per_second: Positive | None = None
    baseline: str | None = None
    reason: str | None = None
    broken_limits: tuple[str, ...] = ()
    disagreement: str | None = None
    explanation: Explanation | None = None
    anchor: AnchorResult | None = None

    @property
    def breaks_a_limit(self) -> bool:
        """Return whether the measurement breaks a limit of its marker, whatever the outcome is."""
        failed_by_comparison = self.outcome in {Outcome.REGRESSED, Outcome.INCONCLUSIVE}
        failed_by_older_record = self.failed and not failed_by_comparison
        return bool(self.broken_limits) or failed_by_older_record
