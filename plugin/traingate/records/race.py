"""Define the record of a race: which stacks took part, and what was measured and dropped."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from msgspec import Meta, Struct

from traingate.records.measurement import Hardware, LayerRecord, Measurement
from traingate.records.units import Count, Positive, Seconds

RACE_SCHEMA: Final = 1
"""Version of the schema of ``Race``; a field that is renamed or dropped raises it."""

Stage: TypeAlias = Literal["search", "final", "contributions"]
"""Stage of a race: the search eliminates candidates; the final measures the best ones again, in
launches that no choice has seen; contributions measure the winner without each of its choices."""

End: TypeAlias = Literal["", "decided", "exhausted", "budget", "interrupted"]
"""Reason for which a race ended: a faster candidate was unlikely, no two were left to compare, the
time was used up, or Ctrl-C; empty while it runs."""

Objective: TypeAlias = Literal["samples-per-second", "samples-per-dollar"]
"""Quantity that the winner has the most of."""


PLAIN: Final = 0
"""Index of the plain workload among the candidates of a race."""


class Candidate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stack of a race.

    Attributes:
        choices: Labels of its choices by the name of the axis, without those that are the default.
        layers: Layers of its stack in their order; empty for the plain workload.
        environment: Name of the environment that it runs in.
        cost: Share of the machine that it occupies, from above 0 to 1: the cores that it is bound
            to, divided by all physical cores.
        process: Request of the stack for how its process is started, the fields of a
            ``layers.base.ProcessRequest``; empty if it was not asked for.
        python: Path of its interpreter; empty for the one that pytest ran under.
        versions: Versions of the packages that it needs there; empty for the running interpreter.
        classes: Classes of the user's own layers in its stack as ``module:Class``, by the names of
            the layers.
    """

    choices: dict[str, str]
    layers: tuple[LayerRecord, ...]
    environment: str
    cost: Annotated[float, Meta(gt=0, le=1)] = 1.0
    process: dict[str, Any] = {}
    python: str = ""
    versions: dict[str, str] = {}
    classes: dict[str, str] = {}

    @property
    def ranks(self) -> int:
        """Return the number of ranks."""
        ranks = self.process.get("ranks")
        count = ranks.get("count") if isinstance(ranks, dict) else None
        return count if isinstance(count, int) and count > 0 else 1


class RaceLaunch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One launch of a candidate, which took turns with the other launches of its heat.

    Attributes:
        candidate: Index of the candidate in the race.
        turn_seconds: Total time of the steps of each turn, in seconds; fewer turns than the heat
            has rounds if the candidate was dropped in it.
        steps_per_turn: Number of steps in each turn.
        batch_size: Samples per step, in a process group those of all ranks.
        first_step_seconds: Seconds of the first step, which compiles unless an earlier launch of
            the race has compiled the same.
        setup_seconds: Seconds that importing the workload and building the training took.
        peak_bytes: Peak memory with data workers, in bytes; 0 if the launch was ended before it had
            reported.
        precision_speedup: Rate of a matrix product in the precision of the training, divided by
            that in fp32.
        busy_turns: Number of turns after which a process could not be stopped.
        counters: Counters of the launch that tell whether its training is sound, by name.
    """

    candidate: Count
    turn_seconds: Annotated[tuple[Positive, ...], Meta(min_length=1)]
    steps_per_turn: Annotated[int, Meta(ge=1)]
    batch_size: Annotated[int, Meta(ge=1)]
    first_step_seconds: Seconds = 0.0
    setup_seconds: Seconds = 0.0
    peak_bytes: Count = 0
    precision_speedup: Positive = 1.0
    busy_turns: Count = 0
    counters: dict[str, float] = {}


class Heat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Launches of several candidates that took turns: all of one round see the same machine.

    Attributes:
        stage: Stage of the race.
        rounds: Number of rounds; each candidate has one turn in a round, in an order that is
            reversed in every second round.
        launches: Launches of the candidates, in the order of the first round.
        gemm_seconds: Seconds of an fp32 matrix product of the yardstick, once after each round.
        seconds: Duration of the heat with its start and its warm-up.
        started_seconds: Time from the start of the race to the start of the heat; pauses between
            an interruption and the continuation do not count.
    """

    stage: Stage
    rounds: Count
    launches: tuple[RaceLaunch, ...]
    gemm_seconds: tuple[Positive, ...] = ()
    seconds: Seconds = 0.0
    started_seconds: Seconds = 0.0


class Elimination(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """End of a candidate before the end of the race.

    Attributes:
        candidate: Index of the candidate in the race.
        kind: ``slower`` if the statistics have shown it; ``failed`` if it could not be measured;
            ``memory`` if it needs more than the race allows.
        reason: Reason in words.
        heat: Index of the heat in which it ended.
        seconds: Time from the start of the race.
        ratio: Throughput divided by that of the candidate that it was compared with; None if it was
            not measured.
    """

    candidate: Count
    kind: Literal["slower", "failed", "memory"]
    reason: str
    heat: Count
    seconds: Seconds
    ratio: Positive | None = None


class Race(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Record of a race, from which its answer and its picture can be made again.

    Attributes:
        schema: Version of the format.
        test: Full name of the test whose workload was trained.
        created: Time of the start, in ISO 8601.
        objective: Quantity that the winner has the most of.
        space_size: Number of candidates in the space, measured or not.
        axes: Labels of the choices of each axis, the default first.
        fixed_layers: Names of the layers that all candidates have.
        plain: Measurement of the plain workload before the race, with its work and the rates of the
            machine.
        machine: Hardware of the machine.
        settings: Settings that decide what is measured, by their names on the command line. A race
            goes on only with the same ones.
        usd_per_hour: Price of the machine; None if unknown.
        candidates: Candidates that were measured, or tried; the first is plain.
        heats: Heats in their order.
        eliminations: Ends of candidates, in their order.
        end: Reason for which the race ended.
        seed: Seed of the choices of candidates.
        files_digest: Digest of the project's files that the first launch imported.
        form: Parts that the training has, the fields of a ``layers.recipe.TrainingForm``.
        plain_seconds: Time from the start of the command to the end of that measurement.
        seconds: Time that was spent on the race since then, in seconds; pauses between an
            interruption and the continuation do not count.
        workload_arguments: Arguments that the test gives to its workload.
    """

    test: str
    created: str
    objective: Objective
    space_size: Count
    axes: dict[str, tuple[str, ...]]
    plain: Measurement
    machine: Hardware
    fixed_layers: tuple[str, ...] = ()
    settings: dict[str, Any] = {}
    usd_per_hour: Positive | None = None
    candidates: tuple[Candidate, ...] = ()
    heats: tuple[Heat, ...] = ()
    eliminations: tuple[Elimination, ...] = ()
    end: End = ""
    seed: int = 0
    files_digest: str = ""
    form: dict[str, Any] = {}
    plain_seconds: Seconds = 0.0
    seconds: Seconds = 0.0
    workload_arguments: dict[str, Any] = {}
    schema: int = RACE_SCHEMA

    def __post_init__(self) -> None:
        count = len(self.candidates)
        indexes = [launch.candidate for heat in self.heats for launch in heat.launches]
        indexes += [elimination.candidate for elimination in self.eliminations]
        if any(index >= count for index in indexes):
            raise ValueError("a heat or an elimination names a candidate that the race has not")

    @property
    def measured(self) -> set[int]:
        """Return the indexes of the candidates of which there is a launch."""
        return {launch.candidate for heat in self.heats for launch in heat.launches}

    @property
    def longest_first_step_seconds(self) -> float:
        """Return the longest time of a first step, which compiled; 0 before any."""
        launches = [launch for heat in self.heats for launch in heat.launches]
        return max((launch.first_step_seconds for launch in launches), default=0.0)

    @property
    def ended(self) -> set[int]:
        """Return the indexes of the candidates that were dropped."""
        return {item.candidate for item in self.eliminations}

    @property
    def failed(self) -> set[int]:
        """Return the indexes of the candidates that could not be measured, or were too large."""
        return {item.candidate for item in self.eliminations if item.kind != "slower"}
