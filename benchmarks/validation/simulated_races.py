"""Simulate races over grids of candidates whose true speeds are known.

The race is that of ``traingate tune``; only the measuring is replaced by draws. A launch takes its
candidate's true time per sample, times the speed of the machine at that moment, times the scatter
of launches and of turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from traingate.races.answer import Answer, answer
from traingate.races.running import Failure, HeatResult, Look, RaceRun, look_rounds
from traingate.races.space import Axis, Choice, Point, Space
from traingate.races.strategy import Plan
from traingate.records import Hardware, Launch, Measurement
from traingate.records.race import Candidate, Heat, Race, RaceLaunch

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Machine:
    """Scatter and speed of the simulated machine.

    Attributes:
        launch_spread: Standard deviation of launches of one stack, on the log scale.
        turn_spread: Standard deviation of turns within a launch.
        drift: Standard deviation of the machine's speed from round to round.
        launches: Number of launches that fit into memory together.
        start_seconds: Time to start one launch and to warm it up.
        turn_seconds: Time of a turn of plain.
        rounds: Number of rounds of a heat.
    """

    launch_spread: float = 0.032
    turn_spread: float = 0.08
    drift: float = 0.1
    launches: int = 8
    start_seconds: float = 6.0
    turn_seconds: float = 1.0
    rounds: int = 6


@dataclass
class SimulatedMeasurer:
    """Measurer that draws instead of measuring.

    Attributes:
        space: Space of the race.
        log_cost: Function from a candidate to its true log time per sample, relative to plain.
        machine: Machine.
        generator: Source of the draws.
        graph_of: Function from a candidate to the graph that it compiles; empty for none.
        compile_seconds: Time of a compilation by graph.
        failing: Candidates that fail.
        seconds: Time that the race has taken.
    """

    space: Space
    log_cost: Callable[[Point], float]
    machine: Machine
    generator: np.random.Generator
    graph_of: Callable[[Point], str] = lambda _: ""
    compile_seconds: Mapping[str, float] = field(default_factory=dict)
    failing: frozenset[Point] = frozenset()
    seconds: float = field(default=0.0, init=False)
    _compiled: set[str] = field(default_factory=set)

    def capacity(self, race: Race) -> int:  # noqa: ARG002 - a protocol
        """Return the number of launches that fit into memory."""
        return self.machine.launches

    def graph_to_compile(self, point: Point) -> str:
        """Return the graph of a candidate, unless it was compiled already."""
        graph = self.graph_of(point)
        return "" if graph in self._compiled else graph

    def describe(self, point: Point) -> Candidate:
        """Return a record with the candidate's choices."""
        return Candidate(choices=self.space.labels(point), layers=(), environment="")

    def measure(
        self,
        plan: Plan,
        numbers: Sequence[int],
        race: Race,
        look: Look,
        seconds: float,  # noqa: ARG002 - a protocol
    ) -> HeatResult:
        """Draw the turns of one heat."""
        draw = self.generator.normal
        failures = [
            Failure(number, "failed", "it fails")
            for number, point in zip(numbers, plan.points, strict=True)
            if point in self.failing
        ]
        running = {
            number: self.log_cost(point) + draw(0.0, self.machine.launch_spread)
            for number, point in zip(numbers, plan.points, strict=True)
            if point not in self.failing
        }
        turns: dict[int, list[float]] = {number: [] for number in running}
        duration, looks = 0.0, look_rounds(self.machine.rounds)
        compile_seconds = {}
        for number, point in zip(numbers, plan.points, strict=True):
            graph = self.graph_of(point)
            cold = 0.0 if graph in self._compiled else self.compile_seconds.get(graph, 0.0)
            self._compiled.add(graph)
            compile_seconds[number] = cold
            duration += self.machine.start_seconds + cold
        ended: set[int] = set()
        for number_of_round in range(self.machine.rounds):
            speed = draw(0.0, self.machine.drift)
            for number in running.keys() - ended:
                log_turn = speed + running[number] + draw(0.0, self.machine.turn_spread)
                turns[number].append(self.machine.turn_seconds * math.exp(log_turn))
                duration += turns[number][-1]
            if number_of_round + 1 in looks:
                alive = [_launch(n, turns[n]) for n in turns if n not in ended]
                ended.update(look(alive))
        self.seconds += duration
        launches = tuple(
            _launch(number, row, compile_seconds[number]) for number, row in turns.items() if row
        )
        heat = Heat(
            stage=plan.stage,
            rounds=self.machine.rounds,
            launches=launches,
            seconds=duration,
            started_seconds=race.seconds,
        )
        return HeatResult(heat if launches else None, failures)


def _launch(number: int, turns: Sequence[float], first_step_seconds: float = 0.0) -> RaceLaunch:
    return RaceLaunch(
        candidate=number,
        turn_seconds=tuple(turns),
        steps_per_turn=1,
        batch_size=1,
        first_step_seconds=first_step_seconds,
    )


def simulate(measurer: SimulatedMeasurer, seconds: float, seed: int) -> tuple[Race, Answer]:
    """Return a simulated race and its answer.

    Args:
        measurer: Measurer of the race.
        seconds: Time for the race.
        seed: Seed of the choices of candidates.
    """
    race = Race(
        test="simulated",
        created="2026-01-01T00:00:00+00:00",
        objective="samples-per-second",
        space_size=measurer.space.size,
        axes=measurer.space.labels_by_axis,
        plain=plain_measurement(),
        machine=HARDWARE,
        seed=seed,
    )
    race = RaceRun(race, measurer.space, measurer, seconds, clock=lambda: measurer.seconds).run()
    return race, answer(race)


HARDWARE = Hardware(
    cpu="simulated",
    architecture="x86_64",
    cores=2,
    numa_nodes=1,
    instruction_sets=(),
    memory_bytes=0,
)


def plain_measurement() -> Measurement:
    """Return a record of the plain workload, which the statistics of a race do not use."""
    launch = Launch(
        step_seconds=(1.0,), data_seconds=(0.0,), steps_per_round=(1,), gemm_seconds=(1.0, 1.0),
        triad_seconds=(1.0, 1.0), yardstick_seconds=(2.0, 2.0), first_step_seconds=1.0,
        setup_seconds=1.0, peak_rss_bytes=1, minor_page_faults_per_step=0.0, counters={},
    )  # fmt: skip
    return Measurement(
        workload="simulated", stack=(), scale="quick", batch_size=1, launches=(launch,),
        samples_per_second=1.0, samples_per_second_interval=None,
        step_seconds_quantiles={}, flops_per_sample=None, roofline_flops_per_second=None,
        roofline_share=None, operators_per_step=None, counters={}, machine=HARDWARE,
        environment={},
    )  # fmt: skip


def names_space(count: int) -> Space:
    """Return a space of one axis, whose candidates are the same stack under several names."""
    choices = tuple(Choice(f"name {number}") for number in range(count))
    return Space((Axis("name", choices),), {})


def effects_space(sizes: Mapping[str, int]) -> Space:
    """Return a space of axes with these numbers of choices, without layers."""
    axes = (
        Axis(name, tuple(Choice(f"{name} {number}") for number in range(size)))
        for name, size in sizes.items()
    )
    return Space(tuple(axes), {})
