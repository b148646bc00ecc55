"""Look at a race so far by the points of its space: what was measured, and what is ahead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from traingate.races.estimates import BETWEEN_SPREAD, fit_race
from traingate.races.observations import observations
from traingate.races.proposals import Result
from traingate.races.space import Point, Space
from traingate.records.race import Heat, Race


class RaceView:
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
        self.failed = {self.points[number] for number in race.failed}
        self._fit = fit_race(race, ("search",)) or fit_race(race, ("final", "contributions"))

    @property
    def measured(self) -> set[Point]:
        """Return the candidates of which there is a launch."""
        return {self.points[number] for number in self.race.measured}

    @property
    def results(self) -> list[Result]:
        """Return the results of all launches, but for those of candidates that have failed.

        An unsound training may be fast, and would make those that resemble it look fast.
        """
        return [
            Result(self.points[item.candidate], item.heat, item.value)
            for item in observations(self.race)
            if item.candidate not in self.race.failed
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
        """Return the measured candidates with the lowest costs that have not ended."""
        return [point for point in self.ranked if point not in self.ended][:count]

    @property
    def ranked(self) -> list[Point]:
        """Return the measured candidates, those with the lowest costs first.

        A candidate with few launches owes a good estimate to luck more often than one with many, so
        estimates are compared by their upper bounds.
        """
        if self._fit is None:
            return []
        estimates = self._fit
        effects: Mapping[int, float] = {
            candidate: effect + estimates.spread / estimates.launches[candidate] ** 0.5
            for candidate, effect in estimates.effects.items()
        }
        return [self.points[item] for item in sorted(effects, key=effects.__getitem__)]

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

    def seconds_of(self, points: Sequence[Point], heats: int) -> float:
        """Return the time that a number of heats of these candidates is likely to take."""
        warm, cold = self.seconds_per_launch
        unmeasured = len(set(points) - self.measured)  # these may still have to be compiled
        return heats * len(points) * warm + unmeasured * (cold - warm)

    def points_of(self, heat: Heat) -> list[Point]:
        """Return the candidates of a heat."""
        return [self.points[launch.candidate] for launch in heat.launches]
