"""Decide what a race measures next: another heat of the search, the final, or nothing more. Pure.

The search measures a few candidates at a time, the fastest one so far among them. Each further
one is drawn with the probability that it is the fastest of all (``proposals``). When it is unlikely
that anything faster is left, or when the time is needed for the final, the best ones are measured
again in fresh launches: these alone decide, so that a lucky launch of the search wins nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from traingate.races.estimates import BETWEEN_SPREAD, Fit, fit_final, fit_race
from traingate.races.failures import closed_choices
from traingate.races.observations import observations
from traingate.races.proposals import Forecast, Result, diverse, forecast
from traingate.races.space import Point, Space
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
"""Smallest number of launches in a heat of the search, if there is little time."""

_CONTRIBUTION_HEATS: Final = 3

_MAX_LAUNCHES: Final = 8
"""Largest number of launches in a heat: more would wait for each other without telling more."""

_LEAST_LAUNCHES: Final = 2


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
    """

    seconds: float
    launches: int


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
        view = _View(race, self.space)
        most = max(_LEAST_LAUNCHES, min(_MAX_LAUNCHES, limits.launches))
        if any(heat.stage == "final" for heat in race.heats):
            return self._after_search(view, limits, most)
        if not race.heats:
            return self._first_heat(view, limits, most)
        forecast_now = self._forecast(view)
        leader = view.leader
        if leader is None or forecast_now is None:
            return None
        warm, cold = view.seconds_per_launch
        remaining = limits.seconds - race.seconds
        finalists = self._finalists(view, forecast_now, leader, most)
        reserve = _FINAL_HEATS[0] * min(_RESERVED_FINALISTS, len(finalists)) * warm
        fitting = min(most, int((remaining - reserve) / cold))
        is_open = forecast_now.regret_probability(leader, INDIFFERENCE) > _REGRET_PROBABILITY
        challengers = forecast_now.sample(max(0, fitting - 1), [leader, *view.ended])
        if fitting >= _LEAST_SEARCHED and is_open and challengers:
            return Plan("search", (leader, *challengers))
        affordable = int(remaining / (_FINAL_HEATS[0] * warm))
        finalists = finalists[: max(_LEAST_LAUNCHES, affordable)]
        if len(finalists) < _LEAST_LAUNCHES:
            return None
        return Plan("final", tuple(finalists), is_settled=not is_open)

    def _first_heat(self, view: _View, limits: Limits, most: int) -> Plan | None:
        """Return a heat of plain and of the candidates that tell the most about all choices."""
        plain = self.space.plain
        if plain in view.ended or view.race.seconds >= limits.seconds:
            return None
        pool = [point for point in self._pool(view, []) if point != plain]
        if not pool:
            return None
        return Plan("search", (plain, *diverse(pool, most - 1, [plain])))

    def _forecast(self, view: _View) -> Forecast | None:
        """Return draws of the costs of the candidates that have not ended; None without any."""
        pool = self._pool(view, view.best(5))
        pool = sorted({*pool, *(view.measured - view.ended)})
        if not pool or not view.results:
            return None
        heats = len(view.race.heats)
        return forecast(view.results, pool, view.spread, seed=self.seed * 1000 + heats)

    def _pool(self, view: _View, best: Sequence[Point]) -> list[Point]:
        """Return the candidates that may be measured."""
        heats = len(view.race.heats)
        generator = random.Random(f"{self.seed} {heats}")  # noqa: S311 - a reproducible sample
        points = self.space.pool(best, generator)
        failed = {view.points[number] for number in view.race.failed}
        closed = closed_choices(failed, view.measured - failed)
        return [
            point
            for point in points
            if point not in view.ended
            and not any((axis, index) in closed for axis, index in enumerate(point))
        ]

    def _finalists(self, view: _View, draws: Forecast, leader: Point, most: int) -> list[Point]:
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
        return [point for point in points if point not in view.ended][:most]

    def _after_search(self, view: _View, limits: Limits, most: int) -> Plan | None:
        """Return a further heat of the final, then heats for contributions that are missing."""
        finals = [heat for heat in view.race.heats if heat.stage == "final"]
        points = [point for point in view.points_of(finals[0]) if point not in view.ended]
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
        winner = view.points[estimates.fastest]
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

    def _is_settled(self, view: _View) -> bool:
        """Return whether a faster candidate than the leader of the search is unlikely."""
        draws, leader = self._forecast(view), view.leader
        if draws is None or leader is None:
            return True
        return draws.regret_probability(leader, INDIFFERENCE) <= _REGRET_PROBABILITY

    def _final_heats(self, finals: Sequence[Heat], limits: Limits) -> int:
        """Return the number of heats of the final, which the time decides and not the results."""
        fitting = int((limits.seconds - finals[0].started_seconds) / max(0.1, finals[0].seconds))
        return max(_FINAL_HEATS[0], min(_FINAL_HEATS[1], fitting))


class _View:
    """Race by the points of its space.

    Args:
        race: Race so far.
        space: Space of its candidates.
    """

    def __init__(self, race: Race, space: Space) -> None:
        self.race = race
        self.space = space
        self.points = [space.point(candidate.choices) for candidate in race.candidates]
        self.ended = {self.points[number] for number in race.ended}
        self._fit = self.fit_of(("search",)) or self.fit_of(("final", "contributions"))

    def fit_of(self, stages: Sequence[Stage]) -> Fit | None:
        """Return the estimates from some stages; None if nothing was measured in them."""
        return fit_race(self.race, stages)

    @property
    def measured(self) -> set[Point]:
        """Return the candidates of which there is a launch."""
        return {self.points[number] for number in self.race.measured}

    @property
    def results(self) -> list[Result]:
        """Return the results of all launches."""
        return [
            Result(self.points[item.candidate], item.heat, item.value)
            for item in observations(self.race)
        ]

    @property
    def spread(self) -> float:
        """Return the standard deviation of a launch."""
        return BETWEEN_SPREAD if self._fit is None else self._fit.spread

    @property
    def leader(self) -> Point | None:
        """Return the candidate with the best estimate that has not ended; None if there is none."""
        best = self.best(1)
        return best[0] if best else None

    def best(self, count: int) -> list[Point]:
        """Return the measured candidates with the lowest costs that have not ended.

        A candidate with few launches owes a good estimate to luck more often than one with many, so
        estimates are compared by their upper bounds.
        """
        if self._fit is None:
            return []
        estimates = self._fit
        effects: Mapping[int, float] = {
            candidate: effect + estimates.spread / estimates.launches[candidate] ** 0.5
            for candidate, effect in estimates.effects.items()
            if self.points[candidate] not in self.ended
        }
        return [self.points[item] for item in sorted(effects, key=effects.__getitem__)[:count]]

    @property
    def seconds_per_launch(self) -> tuple[float, float]:
        """Return the mean time of a launch in a heat, without and with its compilation."""
        launches = sum(len(heat.launches) for heat in self.race.heats)
        seconds = sum(heat.seconds for heat in self.race.heats)
        first = sum(
            launch.first_step_seconds for heat in self.race.heats for launch in heat.launches
        )
        launches = max(1, launches)
        return max(0.1, (seconds - first) / launches), seconds / launches

    def points_of(self, heat: Heat) -> list[Point]:
        """Return the candidates of a heat."""
        return [self.points[launch.candidate] for launch in heat.launches]
