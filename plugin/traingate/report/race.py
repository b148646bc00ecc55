"""Show a race on a terminal or as a picture: its progress, its answer, and who was dropped when."""

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
from traingate.races.answer import Answer, Contribution
from traingate.races.estimates import STATED_ERROR, fit_race
from traingate.races.standings import PLAIN, Ratio, Standing
from traingate.records import stack_label
from traingate.records.race import Candidate, Race
from traingate.records.units import samples_per_dollar
from traingate.report.race_recipe import recipe_of_candidate
from traingate.report.terminal_text import terminal_text

_WIDTH: Final = 120
"""Width of the picture, in characters."""

_TIMELINE: Final = 40
"""Width of the time line, in characters."""

_ENDS: Final = {
    "": "it did not end",
    "decided": "a faster one is unlikely",
    "budget": "the time was up",
    "interrupted": "it was interrupted",
}


def candidate_name(candidate: Candidate) -> str:
    """Return the stack of a candidate as text, with the environment that it asks for."""
    place = f" in {candidate.environment}" if candidate.environment else ""
    label = stack_label(candidate.layers) if candidate.layers else _choices(candidate)
    return terminal_text(label + place)


def _choices(candidate: Candidate) -> str:
    return " + ".join(candidate.choices.values()) or "plain"


def progress_line(race: Race, seconds: float) -> str:
    """Return the state of a race after its last heat, as a line.

    Args:
        race: Race with at least one heat.
        seconds: Time for the race.
    """
    heat = race.heats[-1]
    measured = {launch.candidate for item in race.heats for launch in item.launches}
    estimates = fit_race(race)
    assert estimates is not None
    best = estimates.fastest
    gain = ""
    if PLAIN in estimates.effects and best != PLAIN:
        ratio = math.exp(estimates.difference(best, PLAIN))
        gain = f"{ratio:.2f} x plain, "
    return (
        f"heat {len(race.heats)} ({heat.stage}), {clock(race.seconds)} of {clock(seconds)}: "
        f"{len(measured)} of {race.space_size} measured, {len(race.eliminations)} dropped; ahead: "
        f"{gain}{candidate_name(race.candidates[best])}"
    )


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
    for note in _notes(race, answer):
        console.print(Text(note, style="dim"))
    if answer.contributions:
        console.print()
        console.print(_contribution_table(answer.contributions))
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
        return f"How to have it without traingate cannot be told here: {error}"
    return f"How to have it without traingate:\n\n{text}"


def to_svg(race: Race, answer: Answer) -> str:
    """Return the answer of a race as an SVG picture, which loads no fonts from the network."""
    console = Console(file=io.StringIO(), width=_WIDTH, record=True, highlight=False)
    print_answer(console, race, answer)
    picture = console.export_svg(title=terminal_text(race.test))
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)


def _head(race: Race, answer: Answer) -> Iterator[str]:
    """Yield the lines about the race as a whole."""
    measured = {launch.candidate for heat in race.heats for launch in heat.launches}
    yield terminal_text(race.test)
    yield (
        f"  {race.space_size} candidates on {len(race.axes)} axes; {len(measured)} measured in "
        f"{len(race.heats)} heats, {clock(race.seconds)}; {end_text(race)}"
    )
    if race.fixed_layers:
        yield f"  all of them with {', '.join(race.fixed_layers)}, as in the test"
    yield f"  {race.machine.title}"
    if answer.winner is None:
        yield "  Nothing was measured."
        return
    name = candidate_name(race.candidates[answer.winner.candidate])
    if answer.are_all_equal and race.end == "decided":
        yield f"  No candidate can be told from another. Ahead: {name}"
    elif answer.has_final:
        yield f"  Fastest: {name}"
    else:
        yield f"  Ahead when it ended, without a final: {name}"


def _standings_table(race: Race, answer: Answer) -> Table:
    """Return the winner, and the candidates that were compared with it in the final."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    has_price = race.usd_per_hour is not None
    for title in ("", "candidate", "samples/s", "x plain", "x fastest", "roofline"):
        left = title in {"", "candidate"}
        table.add_column(title, justify="left" if left else "right", overflow="fold")
    if has_price:
        table.add_column("K/$", justify="right")
    table.add_column("peak memory", justify="right")
    shown = [("fastest", answer.winner)] if answer.winner is not None else []
    shown += [("as fast", standing) for standing in answer.equals]
    shown += [("slower", standing) for standing in answer.slower]
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


def _notes(race: Race, answer: Answer) -> Iterator[str]:
    percent = 100 * STATED_ERROR
    yield (
        f"All intervals of ratios hold together: the chance that any of them, or any elimination, "
        f"is wrong is at most {percent:.0f} %."
    )
    if not answer.has_final:
        yield "Without a final, the estimates favour candidates that were lucky."
        return
    unsure = [
        standing
        for standing in answer.others
        if standing.over_winner is not None and not standing.over_winner.differs
    ]
    slower = sum(item.kind == "slower" for item in race.eliminations)
    unmeasured = race.space_size - len(
        {launch.candidate for heat in race.heats for launch in heat.launches}
    )
    yield (
        f"Outside of the final: {slower} shown to be slower; {len(unsure)} unlikely to be as fast "
        f"by few launches; {max(0, unmeasured)} unlikely by what shares their choices."
    )


def _contribution_table(contributions: tuple[Contribution, ...]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    table.add_column("in the fastest", overflow="fold")
    table.add_column("throughput with it / without it", justify="right")
    for item in contributions:
        name = item.label if item.axis in item.label else f"{item.axis} {item.label}"
        text = ratio_text(item.ratio) if item.ratio is not None else "not measured"
        table.add_row(Text(terminal_text(name)), Text(text))
    return table


def race_picture(race: Race) -> Table:
    """Return who took part in which heat, who was dropped when, and at which ratio to plain."""
    estimates = fit_race(race)
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    if estimates is None:
        return table
    end = max(heat.started_seconds + heat.seconds for heat in race.heats) or 1.0
    table.add_column("x plain", justify="right")
    table.add_column(f"0:00 {'-' * (_TIMELINE - 6 - len(clock(end)))} {clock(end)}", no_wrap=True)
    table.add_column("candidate", overflow="fold")
    ends = {item.candidate: item for item in race.eliminations}
    for number in sorted(estimates.effects, key=estimates.effects.__getitem__):
        ratio = ""
        if PLAIN in estimates.effects:
            ratio = f"{math.exp(estimates.difference(number, PLAIN)):.2f}"
        line = _timeline(race, number, end)
        elimination = ends.get(number)
        style = "dim" if elimination is not None else ""
        name = candidate_name(race.candidates[number])
        table.add_row(Text(ratio, style=style), line, Text(name, style=style))
    return table


def _timeline(race: Race, candidate: int, end: float) -> Text:
    """Return the heats of a candidate on a line: ``=`` search, ``#`` final, ``x`` dropped."""
    cells = [" "] * _TIMELINE
    marks: Mapping[str, str] = {"search": "=", "final": "#", "contributions": "+"}
    for heat in race.heats:
        if any(launch.candidate == candidate for launch in heat.launches):
            first = int(_TIMELINE * heat.started_seconds / end)
            last = int(_TIMELINE * (heat.started_seconds + heat.seconds) / end)
            for place in range(first, max(first + 1, last)):
                cells[min(place, _TIMELINE - 1)] = marks[heat.stage]
    for item in race.eliminations:
        if item.candidate == candidate:
            cells[min(int(_TIMELINE * item.seconds / end), _TIMELINE - 1)] = "x"
    return Text("".join(cells))


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


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
