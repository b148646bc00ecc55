"""Answer from the record of a race: the winner, its equals, and what each choice adds. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from traingate.races.estimates import (
    CONTRIBUTION_ERROR,
    FINAL_ERROR,
    Fit,
    fit_contributions,
    fit_final,
    fit_race,
)
from traingate.races.standings import (
    HalfWidth,
    Ratio,
    Standing,
    participations,
    ratio_of,
    rough_widths,
    standing_of,
    tukey_widths,
)
from traingate.races.winner import winner_of
from traingate.records.race import Race


@dataclass(frozen=True)
class Contribution:
    """Contribution of one choice to the winner.

    Attributes:
        axis: Name of the axis.
        label: Label of the choice.
        ratio: Throughput of the winner, divided by that of the winner with the default in the place
            of this choice; None if that was not measured.
    """

    axis: str
    label: str
    ratio: Ratio | None


@dataclass(frozen=True)
class Answer:
    """Answer of a race.

    Attributes:
        winner: Fastest candidate, as far as one can tell; None if nothing was measured.
        equals: Candidates of the final that cannot be told from the winner, the fastest first.
        slower: Other candidates of the final, the fastest first.
        others: Measured candidates outside of the final, the fastest first, with rough intervals.
        contributions: Contributions of the winner's choices.
        has_final: True if the winner was decided by a final; False if the race ended before.
    """

    winner: Standing | None
    equals: tuple[Standing, ...]
    slower: tuple[Standing, ...]
    others: tuple[Standing, ...]
    contributions: tuple[Contribution, ...]
    has_final: bool

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Return all standings, that of the winner first."""
        winner = () if self.winner is None else (self.winner,)
        return (*winner, *self.equals, *self.slower, *self.others)

    @property
    def are_all_equal(self) -> bool:
        """Return whether no candidate could be told from another one."""
        return all(
            ratio is None or not ratio.differs
            for standing in self.standings
            for ratio in (standing.over_plain, standing.over_winner)
        )


def answer(race: Race) -> Answer:
    """Return the answer of a race, also of one that was interrupted.

    Ratios come from the final alone, if there was one: its launches were measured after its
    candidates had been chosen.
    """
    all_estimates = fit_race(race)
    if all_estimates is None:
        return Answer(None, (), (), (), (), has_final=False)
    final = fit_final(race)
    decisive = all_estimates if final is None else final
    rough = rough_widths(all_estimates)
    half_width = rough if final is None else tukey_widths(final, FINAL_ERROR)
    places = {
        candidate: effect
        for candidate, effect in decisive.effects.items()
        if candidate not in race.failed
    }
    if not places:
        return Answer(None, (), (), (), (), has_final=False)
    ranked = sorted(places, key=places.__getitem__)
    winner = ranked[0] if final is None else winner_of(race, final, half_width)
    ranked = [winner, *(candidate for candidate in ranked if candidate != winner)]

    launches = participations(race)

    def standing(candidate: int, estimates: Fit, width: HalfWidth) -> Standing:
        return standing_of(race, launches[candidate], winner, estimates, width)

    finalists = [standing(candidate, decisive, half_width) for candidate in ranked]
    outside = sorted(
        all_estimates.effects.keys() - places.keys() - race.failed,
        key=all_estimates.effects.__getitem__,
    )
    return Answer(
        winner=finalists[0],
        equals=tuple(item for item in finalists[1:] if not _is_slower(item)),
        slower=tuple(item for item in finalists[1:] if _is_slower(item)),
        others=tuple(standing(candidate, all_estimates, rough) for candidate in outside),
        contributions=_contributions(race, winner),
        has_final=final is not None,
    )


def _is_slower(standing: Standing) -> bool:
    return standing.over_winner is not None and standing.over_winner.differs


def _contributions(race: Race, winner: int) -> tuple[Contribution, ...]:
    """Return what each choice of the winner adds, by the winner with the default in its place."""
    choices = race.candidates[winner].choices
    by_choices = {
        frozenset(candidate.choices.items()): number
        for number, candidate in enumerate(race.candidates)
    }
    variants = {
        axis: by_choices.get(frozenset(choices.items() - {(axis, label)}))
        for axis, label in choices.items()
    }
    estimates = fit_contributions(race)
    if estimates is None or winner not in estimates.effects or len(estimates.effects) == 1:
        return tuple(Contribution(axis, label, None) for axis, label in choices.items())
    width = tukey_widths(estimates, CONTRIBUTION_ERROR)
    return tuple(
        Contribution(
            axis,
            label,
            ratio_of(estimates, width, winner, variant)
            if (variant := variants[axis]) is not None and variant in estimates.effects
            else None,
        )
        for axis, label in choices.items()
    )
