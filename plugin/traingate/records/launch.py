"""Define the records of launches and of pairs of launches, the samples of the statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from traingate.records.units import Bytes, Count, Positive, Seconds
from traingate.records.verdict import Method


class Launch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One life of a worker, or of all ranks of a process group: one sample of the statistics.

    Attributes:
        step_seconds: Seconds of each measured step: fetching the batch, zero_grad, forward, loss,
            backward and optimizer step. In a process group, those of the slowest rank.
        data_seconds: Seconds of each measured step that were spent waiting for the batch. In a
            process group, those of the rank that waited longest.
        phase_seconds: Seconds of each measured step by phase: ``data``, ``transfer`` (transforms of
            the batch), ``forward`` (with the loss), ``backward``, ``optimizer`` (with
            ``zero_grad``) and ``other``. A stack whose step is compiled as a whole or runs
            asynchronously has its computation in ``other``. In a process group, the phases are
            those of the slowest rank.
        untimed_phases: Names of the phases that could not be told apart in this stack or step:
            ``phase_seconds`` lacks them, and their time is in ``other``.
        warmup_steps: Number of steps between the first one and the measured ones.
        epoch_starts: Indexes of the measured steps in which the dataset was started again.
        steps_per_round: Number of steps in each round. A round is the steps between two visits of
            the yardstick; there is a visit before the first round and after each round. A single
            step that is not recorded has no visits.
        gemm_seconds: Seconds of an fp32 GEMM (matrix product), for each visit of the yardstick.
        triad_seconds: Seconds of a stream triad, for each visit of the yardstick.
        yardstick_seconds: Sum of ``gemm_seconds`` and ``triad_seconds``, for each visit.
        first_step_seconds: Seconds of the first step, which compiles.
        setup_seconds: Seconds that importing the workload and building the training took; more if
            other launches started at the same time.
        peak_rss_bytes: Largest resident memory in bytes, summed over ranks. Data workers are
            separate processes; they have ``data_workers_peak_bytes``.
        minor_page_faults_per_step: Minor page faults per measured step, summed over ranks and
            without data workers.
        counters: Counters by name, see ``Counts``.
        rss_growth_bytes_per_step: Growth of the resident memory over the measured steps, in bytes
            per step, summed over ranks and without data workers and without pages of files;
            negative if it shrank. None if it could not be measured: without Linux, with a single
            measured step, or in a record of an earlier version.
        reasons: Reasons why a counter is not 0, a line each, by the name of the counter.
        busy_visits: Number of visits of the yardstick during which a process of the worker could
            not be stopped.
        rank_step_seconds: Seconds of each measured step, for each rank of a process group; empty
            for a single worker.
        data_workers_peak_bytes: Largest memory in bytes of the processes that the ranks had started
            and that still ran after the last step, without what they share with the ranks.
        imported_files_digest: Digest of the project's files that the launch imported; empty if the
            record is older than this field.
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
    rss_growth_bytes_per_step: float | None = None
    reasons: dict[str, tuple[str, ...]] = {}
    rank_step_seconds: tuple[tuple[Positive, ...], ...] = ()
    phase_seconds: dict[str, tuple[Seconds, ...]] = {}
    untimed_phases: tuple[str, ...] = ()
    warmup_steps: Count = 0
    epoch_starts: tuple[Count, ...] = ()
    busy_visits: Count = 0
    data_workers_peak_bytes: Count = 0
    imported_files_digest: str = ""

    def __post_init__(self) -> None:
        steps = len(self.step_seconds)
        parts = (*self.rank_step_seconds, *self.phase_seconds.values())
        if any(len(seconds) != steps for seconds in parts):
            raise ValueError("each rank and each phase has each step")
        if len(self.data_seconds) != steps or sum(self.steps_per_round) != steps:
            raise ValueError("steps and rounds do not add up")
        visits = {len(self.gemm_seconds), len(self.triad_seconds), len(self.yardstick_seconds)}
        if visits not in ({len(self.steps_per_round) + 1}, {0}):
            raise ValueError("a yardstick visit must precede the first round and follow each round")


class Counts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers of one stack that are counted rather than timed.

    Counters are of rank 0, from the start of the worker to its last measured step, or of the
    measured steps alone if their name says so; losses are those of the rank that had most without a
    number. Those of Dynamo, inductor or XLA are present only if the worker has loaded the compiler:

    - ``threads``: intra-op threads of torch;
    - ``dynamo_graphs``: graphs that Dynamo compiled;
    - ``dynamo_graph_breaks``: places in the code at which a graph was broken;
    - ``dynamo_frames``: frames that Dynamo analysed, counted again in each recompilation;
    - ``dynamo_recompiles``: recompilations among them;
    - ``inductor_kernels``: kernels that inductor generated rather than took from its cache;
    - ``xla_compilations``: graphs that XLA compiled;
    - ``xla_fallbacks``: operators that XLA handed back to torch;
    - ``compilations_in_measured_steps``: frames of Dynamo and graphs of XLA that were compiled in
      the measured steps;
    - ``dataset_restarts_in_measured_steps``: times that the dataset ended in the measured steps and
      was started again;
    - ``skipped_updates_in_measured_steps``: updates that a loss scaler left out, because gradients
      had overflowed;
    - ``nonfinite_losses_in_measured_steps``: measured steps whose loss was NaN or infinite.

    Attributes:
        counters: Counters by name; of several launches, the largest value of each.
        reasons: Reasons why a counter is not 0, a line each, by the name of the counter.
        flops_per_sample: Floating point operations per sample of one step of the plain workload;
            None if they could not be counted.
        operators_per_step: Number of operators that one step of the plain workload calls; None if
            they could not be counted.
        bytes_per_sample: Bytes that each sample of one step of the plain workload reads and writes;
            None if they could not be counted.
        fixed_bytes_per_step: Bytes that one step of the plain workload reads and writes for
            parameters, gradients and optimizer; None if they could not be counted.
    """

    counters: dict[str, int]
    reasons: dict[str, tuple[str, ...]] = {}
    flops_per_sample: Positive | None = None
    operators_per_step: Count | None = None
    bytes_per_sample: Bytes | None = None
    fixed_bytes_per_step: Bytes | None = None

    def merged_with(
        self, counters: Mapping[str, int], reasons: Mapping[str, Sequence[str]]
    ) -> Counts:
        """Return these counts merged with another launch's: the larger counters, and all reasons.

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
    """One launch of each side of a duet, measured in turn: one sample of its statistics.

    Attributes:
        candidate_step_seconds: Seconds of each measured step of the candidate.
        base_step_seconds: Seconds of each measured step of the base.
        warmup_steps: Number of steps of each side between its first step and the measured ones.
        candidate_yardstick: Time of the yardstick around each step of the candidate, relative to
            its median over both launches; empty if the sides took turns step by step.
        base_yardstick: The same for the base.
        candidate_phase_seconds: Seconds of each step of the candidate by phase, as in ``Launch``;
            phases that could not be told apart are not there.
        base_phase_seconds: The same for the base.
        candidate_first_seconds: Seconds of the candidate's first step with its compilation; 0 if it
            was not recorded.
        base_first_seconds: The same for the base.
        epoch_starts: Indexes of the measured steps in which the candidate's dataset was started
            again at its end.
        steps_per_turn: Number of steps in one turn; 0 if whole launches took turns. The order of
            the turns is A B B A, and which side is A changes from pair to pair.
        log_ratio: Natural logarithm of the candidate's total time divided by the base's. If
            launches took turns, each is relative to the yardstick.
        busy_turns: Number of turns after which a process of the side could not be stopped within
            5 s, so that it may have slowed the other side's next step. In JSON the key is
            ``restless_turns``.
    """

    candidate_step_seconds: tuple[Positive, ...]
    base_step_seconds: tuple[Positive, ...]
    steps_per_turn: Count
    log_ratio: float
    busy_turns: Count = msgspec.field(default=0, name="restless_turns")
    warmup_steps: Count = 0
    candidate_yardstick: tuple[Positive, ...] = ()
    base_yardstick: tuple[Positive, ...] = ()
    candidate_phase_seconds: dict[str, tuple[Seconds, ...]] = {}
    base_phase_seconds: dict[str, tuple[Seconds, ...]] = {}
    candidate_first_seconds: Seconds = 0.0
    base_first_seconds: Seconds = 0.0
    epoch_starts: tuple[Count, ...] = ()

    @property
    def method(self) -> Method:
        """Return the way in which the two launches took turns."""
        return Method.STEPS if self.steps_per_turn else Method.TURNS


class Duet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measurement of two sides in turn, the candidate and the base.

    Attributes:
        base: Description of the base.
        pairs: Pairs of launches, in the order of measuring.
        candidate_environment: Software and settings of the candidate's workers, as in
            ``Measurement.environment``. A duet may use a steadier allocator than the measurement
            that it belongs to.
        base_environment: Software and settings of the base's workers.
        candidate_counts: Counters of the candidate, and the operations of its plain step. In JSON
            the key is ``candidate_account``.
        base_counts: Counters of the base, and the operations of its plain step. In JSON the
            key is ``base_account``.
        seconds_per_pair: Mean time of a pair in seconds, with its start and its warm-up.
        candidate_files_digest: Digest of the project's files that all launches of the candidate
            imported; empty if the record is older than this field.
        base_files_digest: Digest of those that all launches of the base imported.
        candidate_peak_bytes: Largest memory of a launch of the candidate with its data workers, in
            bytes; 0 if the record is older than this field.
        base_peak_bytes: Largest memory of a launch of the base with its data workers, in bytes.
    """

    base: str
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1)]
    candidate_environment: dict[str, Any]
    base_environment: dict[str, Any]
    candidate_counts: Counts = msgspec.field(name="candidate_account")
    base_counts: Counts = msgspec.field(name="base_account")
    seconds_per_pair: Seconds = 0.0
    candidate_files_digest: str = ""
    base_files_digest: str = ""
    candidate_peak_bytes: Count = 0
    base_peak_bytes: Count = 0
