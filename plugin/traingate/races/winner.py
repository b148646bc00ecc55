"""Choose the winner among the candidates of a final, by all launches of the race. Pure.

Intervals come from the final alone, since its candidates were chosen by the launches before; all of
them hold at the same time, whichever candidate is called the winner. The choice itself uses the
launches of the search too, under the model by which they were proposed: it draws estimates that
rest on few launches towards those of similar candidates, so that luck decides less.
"""

from __future__ import annotations

from traingate.races.estimates import BETWEEN_SPREAD, Fit, fit_race
from traingate.races.observations import observations
from traingate.races.space import Point
from traingate.races.standings import HalfWidth
from traingate.records.race import Race


def winner_of(race: Race, final: Fit, half_width: HalfWidth) -> int:
    """Return the candidate of the final that is expected to be the fastest.

    One that the final has shown to be slower than another one is none.

    Args:
        race: Race with a final.
        final: Estimates of the final.
        half_width: Half-widths of the intervals of their differences.
    """
    from traingate.races.proposals import Result, expected_costs  # noqa: PLC0415 - numpy

    fastest = final.fastest
    near = [
        number
        for number in final.effects
        if number == fastest or final.difference(fastest, number) <= half_width(fastest, number)
    ]
    search, points = fit_race(race, ("search",)), _points(race)
    results = [
        Result(points[item.candidate], item.heat, item.value)
        for item in observations(race, ("search", "final"))
        if item.candidate not in race.failed
    ]
    spread = BETWEEN_SPREAD if search is None else search.spread
    means = expected_costs(results, [points[number] for number in near], spread)
    return min(zip(means, near, strict=True))[1]


def _points(race: Race) -> list[Point]:
    """Return the candidates as points whose numbers are equal where their choices are equal.

    A record may name choices that its axes lack; the model needs to know only which are equal.
    """
    axes = sorted({axis for candidate in race.candidates for axis in candidate.choices})
    numbers: dict[tuple[str, str | None], int] = {}
    return [
        tuple(
            numbers.setdefault((axis, candidate.choices.get(axis)), len(numbers)) for axis in axes
        )
        for candidate in race.candidates
    ]
