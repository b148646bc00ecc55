"""Decide what a race measures next: another heat of the search, the final, or nothing more. Pure.

The search measures a few candidates at a time, the fastest one so far among them. Each further
one is drawn with the probability that it is the fastest of all (``proposals``). When it is unlikely
that anything faster is left, or when the time is needed for the final, the best ones are measured
again in fresh launches: all ratios come from these, so that a lucky launch of the search counts in
none.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from traingate.races.estimates import FINAL_ERROR, fit_final
from traingate.races.failures import closed_choices
from traingate.races.proposals import Forecast, diverse, forecast
from traingate.races.race_view import RaceView
from traingate.races.space import Point, Space
from traingate.races.standings import tukey_widths
from traingate.races.winner import winner_of
from traingate.records.race import Heat, Race, Stage

INDIFFERENCE: Final = 0.02
"""Difference of log costs that does not matter."""

_REGRET_PROBABILITY: Final = 0.05
"""Probability of a candidate that is faster by more than ``INDIFFERENCE`` at which the search
ends."""

_PROMISING: Final = 0.1
"""Smallest probability to be within ``INDIFFERENCE`` of the fastest with which a candidate comes
into the final."""

_FINAL_HEATS: Final = (3, 6)
"""Smallest and largest number of heats in the final."""

_RESERVED_FINALISTS: Final = 5
"""Number of candidates in the final that time is kept for; with more time, more take part."""

_LEAST_SEARCHED: Final = 3
"""Smallest number of launches in a heat of the search for which there must be time, unless memory
allows fewer."""

_CONTRIBUTION_HEATS: Final = 3

_MAX_LAUNCHES: Final = 8
"""Largest number of launches in a heat: more would wait for each other without telling more."""

_LEAST_LAUNCHES: Final = 2

_NEW_GRAPHS: Final = 1
"""Largest number of graphs that are compiled in one heat of the search. Each takes as long as many
launches, and what the heat finds may show that the next one is not worth it."""


@dataclass(frozen=True)
class Plan:
    """Plan of one heat.

    Attributes:
        stage: Stage of the race.
        points: Candidates, without repetition.
        is_settled: True if a faster candidate than those of the final is unlikely; False if only
            the time has ended the search.
    """

    stage: Stage
    points: tuple[Point, ...]
    is_settled: bool = False


@dataclass(frozen=True)
class Limits:
    """Limits of a race.

    Attributes:
        seconds: Time for the whole race.
        launches: Number of launches that fit into memory together.
        graph_to_compile: Function from a candidate to the graph that it would have to compile;
            empty if it compiles none, or if a launch has compiled it already.
    """

    seconds: float
    launches: int
    graph_to_compile: Callable[[Point], str] = lambda _: ""


@dataclass
class _GraphBudget:
    """Graphs that the launches of one heat compile, of which there may be few.

    Attributes:
        compiled: Graphs of the launches that were added so far.
    """

    compiled: set[str] = field(default_factory=set)

    def is_new(self, graph: str) -> bool:
        """Return whether a launch has to compile *graph*, which is empty if it compiles none."""
        return bool(graph) and graph not in self.compiled

    def add(self, graph: str) -> bool:
        """Add a launch with *graph*; return False if the heat must not compile one more."""
        if self.is_new(graph):
            if len(self.compiled) >= _NEW_GRAPHS:
                return False
            self.compiled.add(graph)
        return True


@dataclass(frozen=True)
class Strategy:
    """Choice of the next heat, from the race so far.

    Attributes:
        space: Space of the race.
        seed: Seed of the draws.
    """

    space: Space
    seed: int = 0

    def next_heat(self, race: Race, limits: Limits) -> Plan | None:
        """Return the plan of the next heat; None if the race is over.

        Args:
            race: Race so far. Its candidates are those of the space by their choices.
            limits: Limits of time and memory.
        """
        view = RaceView(race, self.space)
        most = max(_LEAST_LAUNCHES, min(_MAX_LAUNCHES, limits.launches))
        if any(heat.stage == "final" for heat in race.heats):
            return self._after_search(view, limits, most)
        if not race.heats:
            return self._first_heat(view, limits, most)
        forecast_now = self._forecast(view)
        leader = view.leader
        if leader is None or forecast_now is None:
            return None
        remaining = limits.seconds - race.seconds
        finalists = self._finalists(view, forecast_now, leader, most)
        reserve = view.seconds_of(finalists[:_RESERVED_FINALISTS], _FINAL_HEATS[0])
        is_open = forecast_now.regret_probability(leader, INDIFFERENCE) > _REGRET_PROBABILITY
        challengers = self._challengers(view, forecast_now, limits, remaining - reserve, most)
        if len(challengers) + 1 >= min(_LEAST_SEARCHED, most) and is_open:
            return Plan("search", (leader, *challengers))
        while (
            len(finalists) > _LEAST_LAUNCHES
            and view.seconds_of(finalists, _FINAL_HEATS[0]) > remaining
        ):
            del finalists[-1]
        if len(finalists) < _LEAST_LAUNCHES:
            return None
        return Plan("final", tuple(finalists), is_settled=not is_open)

    def is_exhausted(self, race: Race) -> bool:
        """Return whether no two candidates are left that can be compared."""
        view = RaceView(race, self.space)
        measured = view.measured - view.failed
        if not measured and self.space.plain in view.failed:
            return True
        return len({*self._pool(view, []), *measured}) < _LEAST_LAUNCHES

    def _first_heat(self, view: RaceView, limits: Limits, most: int) -> Plan | None:
        """Return a heat of plain and of the candidates that tell the most about all choices."""
        plain = self.space.plain
        if plain in view.ended or view.race.seconds >= limits.seconds:
            return None
        pool = [point for point in self._pool(view, []) if point != plain]
        if not pool:
            return None
        chosen = [plain]
        budget = _GraphBudget()
        while len(chosen) < most and pool:
            (point,) = diverse(pool, 1, chosen)
            pool.remove(point)
            if budget.add(limits.graph_to_compile(point)):
                chosen.append(point)
        return Plan("search", tuple(chosen))

    def _challengers(
        self, view: RaceView, draws: Forecast, limits: Limits, seconds: float, most: int
    ) -> list[Point]:
        """Return the candidates of the next heat beside the leader, as far as the time allows."""
        warm, _ = view.seconds_per_launch
        left = seconds - warm
        budget, chosen = _GraphBudget(), list[Point]()
        for point in draws.sample(4 * most, [*view.best(1), *view.ended]):
            graph = limits.graph_to_compile(point)
            first_step = view.race.longest_first_step_seconds if budget.is_new(graph) else 0.0
            needed = warm + first_step
            if needed <= left and budget.add(graph):
                chosen.append(point)
                left -= needed
            if len(chosen) == most - 1:
                break
        return chosen

    def _forecast(self, view: RaceView) -> Forecast | None:
        """Return draws of the costs of the candidates that have not ended; None without any."""
        pool = self._pool(view, view.best(5))
        pool = sorted({*pool, *(view.measured - view.ended)})
        if not pool or not view.results:
            return None
        heats = len(view.race.heats)
        return forecast(view.results, pool, view.spread, seed=self.seed * 1000 + heats)

    def _pool(self, view: RaceView, best: Sequence[Point]) -> list[Point]:
        """Return the candidates that may be measured."""
        heats = len(view.race.heats)
        generator = random.Random(f"{self.seed} {heats}")  # noqa: S311 - a reproducible sample
        points = self.space.pool(best, generator)
        closed = closed_choices(view.failed, view.measured - view.failed)
        return [
            point
            for point in points
            if point not in view.ended
            and not any((axis, index) in closed for axis, index in enumerate(point))
        ]

    def _finalists(self, view: RaceView, draws: Forecast, leader: Point, most: int) -> list[Point]:
        """Return the candidates of the final, the most important ones first.

        These are the leader and plain, those that may be as fast, and then the leader without each
        of its choices.
        """
        near = draws.probability_within(INDIFFERENCE)
        promising = sorted(
            (point for point in near if near[point] >= _PROMISING and point in view.measured),
            key=lambda point: -near[point],
        )
        variants = self.space.without_each_choice(leader).values()
        points = dict.fromkeys([leader, self.space.plain, *promising, *variants])
        finalists = [point for point in points if point not in view.ended][:most]
        if len(finalists) < _LEAST_LAUNCHES:
            # Nothing comes near the leader, which the final is to show too.
            others = (point for point in view.ranked if point not in {*finalists, *view.failed})
            finalists += itertools.islice(others, _LEAST_LAUNCHES - len(finalists))
        return finalists

    def _after_search(self, view: RaceView, limits: Limits, most: int) -> Plan | None:
        """Return a further heat of the final, then heats for contributions that are missing."""
        finals = [heat for heat in view.race.heats if heat.stage == "final"]
        points = [point for point in view.points_of(finals[0]) if point not in view.failed]
        # Fewer fit into memory if it has run out since: the leader and plain stay.
        points = sorted(points, key=lambda each: (each != view.leader, each != self.space.plain))
        points = points[:most]
        later_heats = view.race.heats[view.race.heats.index(finals[-1]) + 1 :]
        if (
            not later_heats
            and len(finals) < self._final_heats(finals, limits)
            and len(points) >= _LEAST_LAUNCHES
        ):
            return Plan("final", tuple(points), is_settled=self._is_settled(view))
        estimates = fit_final(view.race)
        if estimates is None:
            return None
        widths = tukey_widths(estimates, FINAL_ERROR)
        winner = view.points[winner_of(view.race, estimates, widths)]
        done = Counter(point for heat in later_heats for point in view.points_of(heat))
        variants = [
            point
            for point in self.space.without_each_choice(winner).values()
            if point not in view.ended
            and point not in view.points_of(finals[0])
            and done[point] < _CONTRIBUTION_HEATS
        ]
        # Those that were begun come first, so that each one has all its launches or none.
        variants = sorted(variants, key=lambda point: -done[point])[: most - 1]
        if not variants:
            return None
        lacking = max(_CONTRIBUTION_HEATS - done[point] for point in variants)
        heat_seconds = finals[-1].seconds / max(1, len(points)) * (len(variants) + 1)
        if limits.seconds - view.race.seconds < heat_seconds * lacking:
            return None
        return Plan("contributions", (winner, *variants))

    def _is_settled(self, view: RaceView) -> bool:
        """Return whether a faster candidate than the leader of the search is unlikely."""
        draws, leader = self._forecast(view), view.leader
        if draws is None or leader is None:
            return True
        return draws.regret_probability(leader, INDIFFERENCE) <= _REGRET_PROBABILITY

    def _final_heats(self, finals: Sequence[Heat], limits: Limits) -> int:
        """Return the number of heats of the final, which the time decides and not the results."""
        compiling = sum(launch.first_step_seconds for launch in finals[0].launches)
        time_left = limits.seconds - finals[0].started_seconds - compiling
        fitting = int(time_left / max(0.1, finals[0].seconds - compiling))
        return max(_FINAL_HEATS[0], min(_FINAL_HEATS[1], fitting))
