"""Show a race on a terminal or as a picture: its progress, its answer, and what was dropped."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from traingate.errors import ConfigurationError
from traingate.protocol.shared_names import COMPILATIONS
from traingate.races.answer import Answer, Contribution
from traingate.races.estimates import STATED_ERROR, fit_race
from traingate.races.standings import Ratio, Standing
from traingate.records.race import PLAIN, Objective, Race
from traingate.records.units import samples_per_dollar
from traingate.report.race_picture import candidate_name, clock, race_picture
from traingate.report.race_recipe import recipe_of_candidate
from traingate.report.terminal_text import terminal_text

_WIDTH: Final = 120
"""Width of the picture, in characters."""

_ENDS: Final = {
    "": "it did not end",
    "decided": "a faster one is unlikely",
    "exhausted": "no two candidates were left to compare",
    "budget": "the time was up",
    "interrupted": "it was interrupted",
}


def progress_line(race: Race, seconds: float) -> str:
    """Return the state of a race after its last heat, as a line.

    Args:
        race: Race with at least one heat.
        seconds: Time for the race.
    """
    heat = race.heats[-1]
    measured = race.measured
    state = (
        f"heat {len(race.heats)} ({heat.stage}), {clock(race.seconds)} of {clock(seconds)}: "
        f"{len(measured)} of {race.space_size} measured, {len(race.eliminations)} dropped"
    )
    # The results of a final are not shown before its end, so that they do not decide its length.
    return state if heat.stage != "search" else f"{state}; ahead: {_ahead(race)}"


def _ahead(race: Race) -> str:
    """Return the fastest candidate so far that was not dropped, with its gain."""
    estimates = fit_race(race)
    effects = {} if estimates is None else estimates.effects
    left = [number for number in effects if number not in race.ended]
    if estimates is None or not left:
        return "none"
    best = min(left, key=effects.__getitem__)
    name = candidate_name(race.candidates[best])
    if PLAIN not in effects or best == PLAIN:
        return name
    return f"{name}, about {math.exp(estimates.difference(best, PLAIN)):.1f} x plain"


def print_answer(console: Console, race: Race, answer: Answer) -> None:
    """Print the answer of a race.

    Args:
        console: Console to print to.
        race: Race.
        answer: Its answer.
    """
    for line in _head(race, answer):
        console.print(Text(line))
    if answer.winner is None:
        return
    console.print()
    console.print(_standings_table(race, answer))
    for note in notes(race, answer):
        console.print(Text(note, style="dim"))
    if answer.contributions:
        console.print()
        console.print(_contribution_table(race, answer.contributions))
    console.print()
    console.print(race_picture(race))
    console.print()
    console.print(Text(_recipe(race, answer.winner)), soft_wrap=True)
    failures = [item for item in race.eliminations if item.kind != "slower"]
    for item in failures:
        name = candidate_name(race.candidates[item.candidate])
        text = f"{name}: {terminal_text(item.reason)}"
        console.print(Text(f"left out  {text}", style="dim"))


def _recipe(race: Race, winner: Standing) -> str:
    """Return how to have the winner without traingate."""
    try:
        text = recipe_of_candidate(race, race.candidates[winner.candidate])
    except (ConfigurationError, msgspec.ValidationError) as error:
        return f"How to have it without traingate cannot be shown here: {error}"
    return f"How to have it without traingate:\n\n{terminal_text(text)}"


def to_svg(race: Race, answer: Answer) -> str:
    """Return the answer of a race as an SVG picture, which loads no fonts from the network."""
    console = Console(file=io.StringIO(), width=_WIDTH, record=True, highlight=False)
    print_answer(console, race, answer)
    picture = console.export_svg(title=terminal_text(race.test))
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def _head(race: Race, answer: Answer) -> Iterator[str]:
    """Yield the lines about the race as a whole."""
    measured = race.measured
    yield terminal_text(race.test)
    yield (
        f"  {race.space_size} candidates on {len(race.axes)} axes; {len(measured)} measured in "
        f"{len(race.heats)} heats, {clock(race.seconds)}; {end_text(race)}"
    )
    if race.fixed_layers:
        yield terminal_text(f"  all of them with {', '.join(race.fixed_layers)}, as in the test")
    yield terminal_text(f"  {race.machine.title}")
    if answer.winner is None:
        yield "  Nothing was measured."
        return
    yield f"  {headline(race, answer)}"


def headline(race: Race, answer: Answer) -> str:
    """Return which candidate has won, as a line.

    Args:
        race: Race.
        answer: Its answer, with a winner.
    """
    assert answer.winner is not None
    name = candidate_name(race.candidates[answer.winner.candidate])
    if len(answer.standings) == 1:
        return f"Only this one was measured: {name}"
    if answer.are_all_equal:
        return f"No candidate can be told from another. Ahead: {name}"
    if answer.has_final:
        return f"{_BEST[race.objective]}: {name}"
    return f"Ahead when it ended, without a final: {name}"


_BEST: Final[Mapping[Objective, str]] = {
    "samples-per-second": "Fastest",
    "samples-per-dollar": "Most samples per dollar",
}


def place_titles(race: Race) -> tuple[str, str, str]:
    """Return the titles of the winner, of those like it, and of those behind it."""
    if race.objective == "samples-per-second":
        return "fastest", "as fast", "slower"
    return "best", "as good", "worse"


def _standings_table(race: Race, answer: Answer) -> Table:
    """Return the winner, and the candidates that were compared with it in the final."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    has_price = race.usd_per_hour is not None
    best, like_it, behind_it = place_titles(race)
    for title in ("", "candidate", "samples/s", "x plain", f"x {best}", "roofline"):
        left = title in {"", "candidate"}
        table.add_column(title, justify="left" if left else "right", overflow="fold")
    if has_price:
        table.add_column("K/$", justify="right")
    table.add_column("peak memory", justify="right")
    shown = [(best, answer.winner)] if answer.winner is not None else []
    shown += [(like_it, standing) for standing in answer.equals]
    shown += [(behind_it, standing) for standing in answer.slower]
    if not answer.has_final:
        shown += [("", standing) for standing in answer.others]
    for place, standing in shown:
        table.add_row(*map(Text, _cells(race, place, standing, has_price=has_price)))
    return table


def _cells(race: Race, place: str, standing: Standing, *, has_price: bool) -> list[str]:
    candidate = race.candidates[standing.candidate]
    share = standing.roofline_share
    cells = [
        place,
        candidate_name(candidate),
        f"{standing.samples_per_second:.4g}" + _interval(standing.samples_per_second_interval),
        ratio_text(standing.over_plain),
        ratio_text(standing.over_winner),
        "" if share is None else f"{100 * share:.0f} % {standing.bound}",
    ]
    if has_price:
        assert race.usd_per_hour is not None
        price = race.usd_per_hour * candidate.cost
        cells.append(f"{samples_per_dollar(standing.samples_per_second, price) / 1000:.4g}")
    return [*cells, f"{standing.peak_bytes / 2**30:.2f} GiB" if standing.peak_bytes else ""]


def ratio_title(race: Race) -> str:
    """Return what the ratios of a race are ratios of."""
    return "throughput" if race.objective == "samples-per-second" else "samples per dollar"


def notes(race: Race, answer: Answer) -> Iterator[str]:
    """Yield sentences on how sure the answer is."""
    if answer.has_final:
        yield f"Ratios are those of {ratio_title(race)}. Their intervals hold at the same time:"
        yield (
            "the chance that any of them, or any elimination, is wrong is at most "
            f"{100 * STATED_ERROR:.0f} %. Those of samples/s hold in 95 % each."
        )
    else:
        more = " More --minutes give time for a final." if race.end == "budget" else ""
        yield (
            "Without a final, the intervals are of the launches that chose the order, so that they "
            f"favour candidates that were lucky.{more}"
        )
    slower = sum(item.kind == "slower" for item in race.eliminations)
    unsure = [
        standing
        for standing in answer.others
        if standing.over_winner is not None and not standing.over_winner.differs
    ]
    unmeasured = max(0, race.space_size - len(race.measured | race.failed))
    if answer.has_final:
        yield (
            f"Outside of the final: {slower} shown to be slower; {len(unsure)} that few launches "
            f"could not tell from the winner; {unmeasured} not measured."
        )
    if race.end == "decided":
        yield "That one of these is faster by more than 2 % is unlikely (5 %)."
    launches = [launch for heat in race.heats for launch in heat.launches]
    compiling = sum(COMPILATIONS in launch.counters for launch in launches)
    if compiling:
        yield f"{compiling} launches compiled in measured steps, and look slower for it."
    if any(launch.busy_turns for launch in launches):
        yield "Processes that waited could not always be stopped, and may have slowed others."


def _contribution_table(race: Race, contributions: tuple[Contribution, ...]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    table.add_column(f"in the {place_titles(race)[0]}", overflow="fold")
    table.add_column(f"{ratio_title(race)} with it / without it", justify="right")
    for item in contributions:
        name = item.label if item.axis in item.label else f"{item.axis} {item.label}"
        text = ratio_text(item.ratio) if item.ratio is not None else "not measured"
        table.add_row(Text(terminal_text(name)), Text(text))
    return table


def ratio_text(ratio: Ratio | None) -> str:
    """Return a ratio with its interval; empty for None."""
    return "" if ratio is None else f"{ratio.value:.2f}{_interval(ratio.interval, digits=2)}"


def _interval(interval: tuple[float, float] | None, digits: int | None = None) -> str:
    if interval is None:
        return ""
    low, high = interval
    if digits is None:
        return f" ({low:.4g} to {high:.4g})"
    return f" ({low:.{digits}f} to {high:.{digits}f})"


def end_text(race: Race) -> str:
    """Return why a race ended, as a clause."""
    return _ENDS[race.end]
