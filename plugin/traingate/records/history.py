"""Define the history of benchmarks over the commits of a repository, as tools and pages read it."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from traingate.records.units import Count, Interval, Positive
from traingate.records.verdict import Outcome

HISTORY_SCHEMA: Final = 1
"""Version of the schema of ``History``; a field that is renamed or dropped raises it."""

ChangeKind: TypeAlias = Literal["jump", "creep"]
"""Kind of a change of level: between two successive measured commits, or over several of them."""


class HistoryCommit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Commit of the history.

    Attributes:
        hash: Full name of the commit; of runs without a repository the name of their file.
        date: Date and time of the commit in ISO 8601 format.
        subject: First line of its message.
        tags: Names of the tags that point to it.
    """

    hash: str
    date: str = ""
    subject: str = ""
    tags: tuple[str, ...] = ()


class HistoryPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Throughput of one benchmark at one commit.

    Attributes:
        commit: Index of the commit in ``History.commits``.
        samples_per_second: Throughput at the speed that the machine usually has: relative to the
            yardstick, times the median of the yardstick over the series.
        interval: 95 % interval between launches; None for a single launch.
        launches: Number of launches.
        outcome: Outcome of the gate for the newest run of this commit; None if it was not compared.
        failed: True if that run failed its gate.
        accepted: Reason for which a person, or the test's marker, accepted the change; empty if
            nobody did.
        environment_changes: Differences of software and settings from the point before, a line
            each.
    """

    commit: Count
    samples_per_second: Positive
    interval: Interval | None = None
    launches: Annotated[int, Meta(ge=1)] = 1
    outcome: Outcome | None = None
    failed: bool = False
    accepted: str = ""
    environment_changes: tuple[str, ...] = ()


class LevelChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change of the level of a series that the scatter of its points does not explain.

    Attributes:
        kind: ``jump`` between two successive points, or ``creep`` over several.
        before: Index of the last point of the level before.
        after: Index of the first point of the level after; ``before + 1`` for a jump.
        change_percent: Change of throughput in percent, negative for a loss.
        interval: 95 % interval of ``change_percent``.
        accepted: Reason for which a person has accepted it; empty if nobody has.
    """

    kind: ChangeKind
    before: Count
    after: Count
    change_percent: float
    interval: Interval
    accepted: str = ""


class SinceAnchor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change of throughput from an anchor to the newest point of a series.

    Attributes:
        anchor: Index of the point of the anchor.
        reason: Reason for which that point is the anchor, such as ``tag v1.2``.
        change_percent: Change of throughput in percent, negative for a loss.
        interval: 95 % interval of ``change_percent``.
        is_loss: True if the interval excludes every loss up to the tolerance.
    """

    anchor: Count
    reason: str
    change_percent: float
    interval: Interval
    is_loss: bool


class Series(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """History of one benchmark on one kind of machine.

    Attributes:
        test: Full name of the test.
        stack: Description of its stack, ``plain`` without layers.
        scale: Name of the scale.
        batch_size: Samples per step.
        environment_name: Name of the environment that it ran in.
        machine: Processor and number of cores.
        points: Throughput at each measured commit, in the order of the commits.
        changes: Changes of the level, in their order.
        since_anchor: Change since the anchor; None if no point is older than the newest one, or
            none is up to the anchor that the user named.
    """

    test: str
    stack: str
    scale: str
    batch_size: Annotated[int, Meta(ge=1)]
    environment_name: str
    machine: str
    points: Annotated[tuple[HistoryPoint, ...], Meta(min_length=1)]
    changes: tuple[LevelChange, ...] = ()
    since_anchor: SinceAnchor | None = None


class History(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Throughput of all benchmarks of a storage over the commits of a repository.

    Attributes:
        schema: Version of this schema.
        reference: Name of the commit that the history leads to; empty without a repository.
        tolerance_percent: Largest loss since the anchor that is let through, in percent.
        commits: Commits with a run, the oldest first.
        series: Series, sorted by test and machine.
        left_out: Numbers of runs that are no part of the history, by the reason.
    """

    schema: int = HISTORY_SCHEMA
    reference: str = ""
    tolerance_percent: float = 5.0
    commits: tuple[HistoryCommit, ...] = ()
    series: tuple[Series, ...] = ()
    left_out: dict[str, int] = {}

    def is_current(self, series: Series) -> bool:
        """Return whether a series has a point at the newest commit that was measured.

        One that has not is of a test that is gone, or of a machine that is used no more.
        """
        return series.points[-1].commit == len(self.commits) - 1

    @property
    def current(self) -> list[Series]:
        """Return the series that have a point at the newest commit that was measured."""
        return [series for series in self.series if self.is_current(series)]

    @property
    def without_comparison(self) -> list[Series]:
        """Return the current series without a comparison with their anchor.

        If the user named the anchor, they are of tests that were not measured up to it, such as new
        ones, or of tests of which nothing was measured after it.
        """
        return [series for series in self.current if series.since_anchor is None]

    @property
    def is_compared(self) -> bool:
        """Return whether any current series has a comparison with its anchor."""
        return any(series.since_anchor is not None for series in self.current)

    @property
    def losses(self) -> list[Series]:
        """Return the current series whose throughput has fallen since their anchor."""
        return [
            series
            for series in self.current
            if series.since_anchor is not None and series.since_anchor.is_loss
        ]
