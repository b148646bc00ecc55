"""Launches and pairs of launches: the samples of the statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from traingate.records.units import Count, Positive, Seconds
from traingate.records.verdict import Method


class Launch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One life of a worker: one sample of the statistics.

    Attributes:
        step_seconds, data_seconds: of each measured step, and the wait for data in it.
        steps_per_round: how the steps fall into rounds; a yardstick visit stands before
            the first round and after each.
        gemm_seconds, triad_seconds, yardstick_seconds: per visit, and their sum.
        rank_step_seconds: of each rank of a process group; empty for a single worker. A step of
            the group lasts as long as that of its slowest rank.
        first_step_seconds: with compilation.
        setup_seconds: from the import of the workload to the training that stands; longer where
            launches start up side by side.
        peak_rss_bytes, minor_page_faults_per_step: of all ranks; data workers are processes of
            their own, and not among them.
        counters: whole numbers by name, see ``worker.counters``.
    """

    step_seconds: tuple[Positive, ...]
    data_seconds: tuple[Seconds, ...]
    steps_per_round: tuple[Annotated[int, Meta(ge=1)], ...]
    gemm_seconds: tuple[Positive, ...]
    triad_seconds: tuple[Positive, ...]
    yardstick_seconds: tuple[Positive, ...]
    first_step_seconds: Positive
    setup_seconds: Seconds
    peak_rss_bytes: Count
    minor_page_faults_per_step: Annotated[float, Meta(ge=0)]
    counters: dict[str, int]
    rank_step_seconds: tuple[tuple[Positive, ...], ...] = ()

    def __post_init__(self) -> None:
        steps = len(self.step_seconds)
        if any(len(of_rank) != steps for of_rank in self.rank_step_seconds):
            raise ValueError("each rank takes each step")
        if len(self.data_seconds) != steps or sum(self.steps_per_round) != steps:
            raise ValueError("steps and rounds do not add up")
        visits = {len(self.gemm_seconds), len(self.triad_seconds), len(self.yardstick_seconds)}
        if visits != {len(self.steps_per_round) + 1}:
            raise ValueError("a yardstick visit stands before the first round and after each")


class Counts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is counted of a stack rather than timed.

    Attributes:
        counters: whole numbers by name, see ``worker.counters``.
        reasons: of some of them, why they are not 0, a line each.
        flops_per_sample, operators_per_step: of the plain step; null where not counted.
    """

    counters: dict[str, int]
    reasons: dict[str, tuple[str, ...]] = {}
    flops_per_sample: Positive | None = None
    operators_per_step: Count | None = None

    def merged_with(
        self, counters: Mapping[str, int], reasons: Mapping[str, Sequence[str]]
    ) -> Counts:
        """Return these counts merged with another launch's: the larger numbers, all reasons.

        Args:
            counters: Counters of the other launch, by name.
            reasons: Reasons of the other launch, by the counter's name.
        """
        larger = {name: max(self.counters.get(name, 0), count) for name, count in counters.items()}
        all_reasons = {
            name: tuple(dict.fromkeys((*self.reasons.get(name, ()), *lines)))
            for name, lines in reasons.items()
        }
        return msgspec.structs.replace(
            self, counters={**self.counters, **larger}, reasons={**self.reasons, **all_reasons}
        )


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two launches side by side: one sample of a duet's statistics.

    Attributes:
        candidate_step_seconds, base_step_seconds: of each step on either side, as taken.
        steps_per_turn: steps of one side before the other's turn comes. Turns go A B B A, and
            which side is A changes from pair to pair; 0 where launches took turns, not steps.
        log_ratio: log of the candidate's step over the base's: the median over rounds, or,
            where launches took turns, the difference of their times beside the yardstick.
        busy_turns: of all turns, those after which the side did not come to rest: it may
            have slowed the other's next step.
    """

    candidate_step_seconds: tuple[Positive, ...]
    base_step_seconds: tuple[Positive, ...]
    steps_per_turn: Count
    log_ratio: float
    busy_turns: Count = msgspec.field(default=0, name="restless_turns")

    @property
    def method(self) -> Method:
        """Return how the two launches took turns."""
        return Method.STEPS if self.steps_per_turn else Method.TURNS


class Duet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measurement of two sides in turn: of the candidate, and of the base beside it.

    Attributes:
        base: what the other side was.
        pairs: the samples.
        candidate_environment, base_environment: software of the workers, and what was set for
            steadiness: a duet may use a steadier allocator than the measurement it belongs to.
        candidate_counts, base_counts: what was counted of either side.
        seconds_per_pair: of the session's time, starting and warming up included.
    """

    base: str
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1)]
    candidate_environment: dict[str, Any]
    base_environment: dict[str, Any]
    candidate_counts: Counts = msgspec.field(name="candidate_account")
    base_counts: Counts = msgspec.field(name="base_account")
    seconds_per_pair: Seconds = 0.0
