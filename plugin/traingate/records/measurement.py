"""The values that a measurement leaves behind, and the versioned JSON schema they are kept in.

A record is one Measurement, stored by pytest-benchmark in ``extra_info["traingate"]``.
Every number carries its unit in its name. msgspec checks types and ranges on load.

Versions of the schema:
    1   first
    2   published is a list; its figures name their machine and price; rank_step_seconds
    3   duet, reasons, operators_per_step; a verdict's method, cause, evidence and acceptance
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from traingate.errors import DamagedRecordError

SCHEMA: Final = 3
_FIRST_WITH_LIST: Final = 2

Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
Positive: TypeAlias = Annotated[float, Meta(gt=0)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Interval: TypeAlias = tuple[float, float]
"""Lower and upper end."""


class Outcome(str, Enum):
    """What the gate decided."""

    PASSED = "PASSED"
    REGRESSED = "REGRESSED"
    IMPROVED = "IMPROVED"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO_BASELINE"


class Hardware(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine, as far as it decides how fast a training runs.

    Attributes:
        cpu: model name, with family, model and stepping where Linux tells them.
        architecture: as ``platform.machine()``.
        cores: that this process can keep busy, after affinity and cgroup quota.
        numa_nodes: as the kernel counts them.
        instruction_sets: the vector and matrix extensions, sorted.
        memory_bytes: physical memory; not compared.
    """

    cpu: str
    architecture: str
    cores: Annotated[int, Meta(ge=1)]
    numa_nodes: Annotated[int, Meta(ge=1)]
    instruction_sets: tuple[str, ...]
    memory_bytes: Count


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


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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

    def joined(self, counters: Mapping[str, int], reasons: Mapping[str, Sequence[str]]) -> Account:
        """With what another launch counted: the larger number of each, and all reasons."""
        most = {name: max(self.counters.get(name, 0), count) for name, count in counters.items()}
        told = {
            name: tuple(dict.fromkeys((*self.reasons.get(name, ()), *why)))
            for name, why in reasons.items()
        }
        return msgspec.structs.replace(
            self, counters={**self.counters, **most}, reasons={**self.reasons, **told}
        )


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two launches side by side: one sample of a duet's statistics.

    Attributes:
        candidate_step_seconds, base_step_seconds: of each step on either side, as taken.
        steps_per_turn: steps of one side before the other's turn comes. Turns go A B B A, and
            which side is A changes from pair to pair; 0 where launches took turns, not steps.
        log_ratio: log of the candidate's step over the base's: the median over rounds, or,
            where launches took turns, the difference of their times beside the yardstick.
        restless_turns: of all turns, those after which the side did not come to rest: it may
            have slowed the other's next step.
    """

    candidate_step_seconds: tuple[Positive, ...]
    base_step_seconds: tuple[Positive, ...]
    steps_per_turn: Count
    log_ratio: float
    restless_turns: Count = 0


class Duet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measurement of two sides in turn: of the candidate, and of the base beside it.

    Attributes:
        base: what the other side was.
        pairs: the samples.
        candidate_environment, base_environment: software of the workers, and what was set for
            steadiness: a duet may use a steadier allocator than the measurement it belongs to.
        candidate_account, base_account: what was counted of either side.
        seconds_per_pair: of the session's time, starting and warming up included.
    """

    base: str
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1)]
    candidate_environment: dict[str, Any]
    base_environment: dict[str, Any]
    candidate_account: Account
    base_account: Account
    seconds_per_pair: Seconds = 0.0


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's word that a failed record is to be a baseline all the same.

    Attributes:
        reason: why.
        at: when, in ISO format.
    """

    reason: Annotated[str, Meta(min_length=1)]
    at: str


class Method(str, Enum):
    """What a verdict rests on."""

    LAUNCHES = "stored launches"
    STEPS = "duet, step by step"
    TURNS = "duet, launch by launch"
    COUNTERS = "counters"


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


class Published(Struct, frozen=True, forbid_unknown_fields=True):
    """A figure that somebody published for the same experiment, to stand beside ours.

    Attributes:
        samples_per_second: the figure.
        source: where it stands.
        derived: computed from published figures rather than stated.
        machine: that it was measured on.
        usd_per_hour: the price of that machine, where the source gives it.
    """

    samples_per_second: Positive
    source: str
    derived: bool = False
    machine: str = ""
    usd_per_hour: Positive | None = None


class LayerRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A layer's name and options."""

    name: str
    options: dict[str, Any]


class Measurement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All launches of one workload under one stack, and what follows from them.

    Attributes:
        schema: version of this format.
        workload: ``path/below/rootdir.py::function``.
        stack: the layers in their order.
        scale: name of the scale.
        batch_size: samples per step.
        launches: the samples, in the order of measuring.
        samples_per_second, samples_per_second_interval: throughput (geometric mean over
            launches of the batch size by the median step) with its 95 % interval between
            launches; null for a single launch.
        flops_per_sample: floating point operations of one step of the plain model.
        roofline_flops_per_second: what the yardstick's fp32 GEMM reached meanwhile.
        roofline_share: of the training, in floating point operations; may exceed 1 in bf16.
        samples_per_dollar: at the price given, else null.
        operators_per_step: operators that a plain step calls, optimizer included.
        counters: of all launches, the largest of each.
        reasons: by counter, why it is not 0: graph breaks, recompilations, XLA fallbacks.
        machine: the hardware.
        environment: the worker's software and what was set for steadiness.
        published: figures to stand beside ours.
        duet: the measurement beside another side, where there was one.
        verdict: the gate's decision, null where none was asked for.
    """

    schema: Annotated[int, Meta(ge=1, le=SCHEMA)] = SCHEMA
    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: Annotated[int, Meta(ge=1)]
    launches: Annotated[tuple[Launch, ...], Meta(min_length=1)]
    samples_per_second: Positive
    samples_per_second_interval: Interval | None
    flops_per_sample: Positive | None
    roofline_flops_per_second: Positive
    roofline_share: Positive | None
    samples_per_dollar: Positive | None = None
    operators_per_step: Count | None = None
    counters: dict[str, int]
    reasons: dict[str, tuple[str, ...]] = {}
    machine: Hardware
    environment: dict[str, Any]
    published: tuple[Published, ...] = ()
    duet: Duet | None = None
    verdict: Verdict | None = None

    @property
    def account(self) -> Account:
        """What was counted rather than timed."""
        return Account(
            counters=self.counters,
            reasons=self.reasons,
            flops_per_sample=self.flops_per_sample,
            operators_per_step=self.operators_per_step,
        )

    @property
    def peak_rss_bytes(self) -> int:
        """The largest of all launches."""
        return max(launch.peak_rss_bytes for launch in self.launches)

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Seconds of every measured step, launch after launch."""
        return tuple(step for launch in self.launches for step in launch.step_seconds)


def to_json(measurement: Measurement) -> dict[str, Any]:
    """The record as plain JSON values, fit for ``extra_info``."""
    content: dict[str, Any] = msgspec.to_builtins(measurement)
    return content


class _Version(Struct):
    schema: int


def from_json(content: bytes | msgspec.Raw, where: str) -> Measurement:
    """The record in ``content``, checked.

    Args:
        content: one JSON object.
        where: what an error calls it, a file at least.

    Raises:
        DamagedRecordError: if it is of another schema, or not whole.
    """
    try:
        version = msgspec.json.decode(content, type=_Version).schema
        if version > SCHEMA:
            raise DamagedRecordError(
                f"{where}: record of schema {version}, and this traingate reads up to {SCHEMA}. "
                "Upgrade pytest-traingate."
            )
        if version == 1:
            return _from_first(msgspec.json.decode(content))
        return msgspec.json.decode(content, type=Measurement)
    except msgspec.MsgspecError as error:
        raise damaged(where, error) from error


def _from_first(content: dict[str, Any]) -> Measurement:
    """The record of schema 1, which had one published figure or none."""
    published = content.get("published")
    changes = {"schema": _FIRST_WITH_LIST, "published": [published] if published else []}
    return msgspec.convert({**content, **changes}, Measurement)


def damaged(where: str, error: Exception) -> DamagedRecordError:
    """The error for a stored run that cannot be read."""
    return DamagedRecordError(
        f"{where} is damaged: {error}. Restore the file, or delete it and save a new baseline."
    )
