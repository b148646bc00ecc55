"""Run a race: let the strategy plan heats, have them measured, and keep the record."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from traingate.races.elimination import look_at_heat, slower_after_heat
from traingate.races.estimates import fit_race
from traingate.races.observations import cost_of
from traingate.races.space import Point, Space
from traingate.races.strategy import Limits, Plan, Strategy
from traingate.records.race import PLAIN, Candidate, Elimination, End, Heat, Race, RaceLaunch
from traingate.records.race_plausibility import MAX_LAUNCHES
from traingate.untrusted.clock import monotonic
from traingate.untrusted.masking import masked_text

Look: TypeAlias = Callable[[Sequence[RaceLaunch]], Sequence[int]]
"""Function from the launches of a heat so far to the candidates that need not go on."""


class Failure(msgspec.Struct, frozen=True):
    """Candidate that could not be measured.

    Attributes:
        candidate: Index of the candidate.
        kind: ``failed``, or ``memory`` if it needs more memory than the race allows.
        reason: Reason in words.
    """

    candidate: int
    kind: Literal["failed", "memory"]
    reason: str


@dataclass
class HeatResult:
    """Result of one heat.

    Attributes:
        heat: Launches that were measured; None if there was none.
        failures: Candidates that could not be measured.
        was_interrupted: True if Ctrl-C ended the heat early.
        lacks_launches: True if launches are missing for which no candidate is to blame, since too
            many of them shared the memory.
    """

    heat: Heat | None
    failures: list[Failure] = field(default_factory=list)
    was_interrupted: bool = False
    lacks_launches: bool = False


class Measurer(Protocol):
    """Protocol of what measures the candidates of a race, for real or in a simulation."""

    def capacity(self, race: Race) -> int:
        """Return how many launches fit into memory together."""

    def graph_to_compile(self, point: Point) -> str:
        """Return the graph that a candidate has to compile; empty if none, or if it is compiled."""

    def describe(self, point: Point) -> Candidate:
        """Return the record of a candidate."""

    def measure(
        self, plan: Plan, numbers: Sequence[int], race: Race, look: Look, seconds: float
    ) -> HeatResult:
        """Measure one heat.

        Args:
            plan: Candidates, the cheapest to start first.
            numbers: Index of each in the race.
            race: Race so far.
            look: Function to call after rounds, whose candidates are ended.
            seconds: Time for starting and warming up, in which not all candidates may have their
                turn.
        """


LOOKS: Final = 3
"""Largest number of looks at a heat while it is measured."""

_PREPARATION_SHARE: Final = 0.4
"""Largest share of the time left that the preparation of one heat of the search may take."""


_MOST_SEARCHED: Final = MAX_LAUNCHES * 9 // 10
"""Number of launches or candidates after which the final comes, so that the record can be read."""


@dataclass
class RaceRun:
    """Race that is run.

    Attributes:
        race: Race so far.
        space: Space of its candidates.
        measurer: Measurer of the heats.
        seconds: Time for the whole race.
        on_change: Function that is called with the race after each heat.
        clock: Function that returns a time in seconds.
    """

    race: Race
    space: Space
    measurer: Measurer
    seconds: float
    on_change: Callable[[Race], None] = lambda _: None
    clock: Callable[[], float] = monotonic
    _is_settled: bool = field(default=False, init=False)
    _start: float = field(default=0.0, init=False)

    def run(self) -> Race:
        """Run the race to its end, and return its record; Ctrl-C ends it early."""
        strategy = Strategy(self.space, self.race.seed)
        self._start = self.clock() - self.race.seconds
        self._is_settled = self.race.end == "decided"
        self._update(end="")
        end: End = "interrupted"
        try:
            while True:
                self._update(notify=False)
                limits = Limits(
                    self._search_seconds,
                    self.measurer.capacity(self.race),
                    self.measurer.graph_to_compile,
                )
                plan = strategy.next_heat(self.race, limits)
                if plan is None:
                    end = self._reason_for_end(strategy)
                    break
                if plan.stage == "final":
                    self._is_settled = plan.is_settled
                if self._measure(plan):
                    break
        except KeyboardInterrupt:
            pass
        self._update(end=end)
        return self.race

    @property
    def _search_seconds(self) -> float:
        """Return the time of the race, none of which is left if its record becomes too large."""
        race = self.race
        size = max(sum(len(heat.launches) for heat in race.heats), len(race.candidates))
        return self.seconds if size < _MOST_SEARCHED else min(self.seconds, race.seconds)

    def _reason_for_end(self, strategy: Strategy) -> End:
        if self._is_settled:
            return "decided"
        return "exhausted" if strategy.is_exhausted(self.race) else "budget"

    def _measure(self, plan: Plan) -> bool:
        """Measure one heat, and return whether Ctrl-C has ended it."""
        numbers = [self._number(point) for point in plan.points]
        self._update(notify=False)
        race, heat_number = self.race, len(self.race.heats)
        costs = [cost_of(race.objective, candidate.cost) for candidate in race.candidates]
        heat_look = look_at_heat(fit_race(race), heat_number, LOOKS, costs, kept=numbers[0])
        eliminated: dict[int, float] = {}

        def look(launches: Sequence[RaceLaunch]) -> Sequence[int]:
            if plan.stage != "search":
                return ()
            slower = heat_look.slower(launches)
            eliminated.update(slower)
            return tuple(slower)

        seconds = math.inf
        if plan.stage == "search":
            seconds = _PREPARATION_SHARE * max(0.0, self.seconds - race.seconds)
        result = self.measurer.measure(plan, numbers, race, look, seconds)
        # The final compares only candidates that all of its heats have.
        is_partial = result.was_interrupted or result.lacks_launches
        if result.heat is not None and (plan.stage == "search" or not is_partial):
            self._update(heats=(*race.heats, result.heat), notify=False)
        for failure in result.failures:
            self._eliminate(failure.candidate, failure.kind, failure.reason, heat_number)
        failed = {failure.candidate for failure in result.failures}
        if failed and eliminated and result.heat is not None:
            # Some may only have been slower than one that computes nothing of use.
            sound = [item for item in result.heat.launches if item.candidate not in failed]
            eliminated = {
                number: ratio
                for number, ratio in (heat_look.slower(sound) if sound else {}).items()
                if number in eliminated
            }
        self._end(eliminated, heat_number, "the fastest of the heat")
        if plan.stage == "search":
            self._end(self._slower_overall(heat_number), heat_number, "the fastest so far")
        self._update()
        return result.was_interrupted

    def _slower_overall(self, heat_number: int) -> dict[int, float]:
        estimates = fit_race(self.race)
        ended = self.race.ended
        alive = dict.fromkeys(
            number for number in range(len(self.race.candidates)) if number not in ended
        )
        return {} if estimates is None else slower_after_heat(estimates, heat_number, alive)

    def _end(self, slower: dict[int, float], heat_number: int, fastest: str) -> None:
        """Eliminate candidates that are slower, with their ratios; plain stays for the final."""
        for number, ratio in slower.items():
            percent = 100 * (1 - ratio)
            reason = f"{percent:.0f} % slower than {fastest}"
            if number != PLAIN:
                self._eliminate(number, "slower", reason, heat_number, ratio)

    def _eliminate(
        self,
        candidate: int,
        kind: Literal["slower", "failed", "memory"],
        reason: str,
        heat: int,
        ratio: float | None = None,
    ) -> None:
        elimination = Elimination(
            candidate=candidate,
            kind=kind,
            reason=masked_text(reason),
            heat=heat,
            seconds=self.race.seconds,
            ratio=ratio,
        )
        self._update(eliminations=(*self.race.eliminations, elimination), notify=False)

    def _number(self, point: Point) -> int:
        """Return the index of a candidate in the race, which it may be new to."""
        choices = self.space.labels(point)
        for number, candidate in enumerate(self.race.candidates):
            if candidate.choices == choices:
                return number
        candidates = (*self.race.candidates, self.measurer.describe(point))
        self._update(candidates=candidates, notify=False)
        return len(candidates) - 1

    def _update(self, *, notify: bool = True, **changes: object) -> None:
        seconds = max(self.race.seconds, self.clock() - self._start)
        self.race = msgspec.structs.replace(self.race, seconds=seconds, **changes)
        if notify:
            self.on_change(self.race)


def look_rounds(rounds: int) -> list[int]:
    """Return after which rounds to look at a heat: even ones, so that the order is balanced.

    Args:
        rounds: Number of rounds of the heat.
    """
    even_rounds = range(2, rounds, 2)
    stride = max(1, math.ceil(len(even_rounds) / LOOKS))
    return list(even_rounds)[::stride][:LOOKS]
