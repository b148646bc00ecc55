"""Draw a race over its time: the heats of each candidate, and when it was dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from traingate.races.estimates import fit_race
from traingate.records import stack_label
from traingate.records.race import PLAIN, Candidate, Race
from traingate.report.terminal_text import terminal_text

_TIMELINE: Final = 40
"""Width of the time line, in characters."""


def candidate_name(candidate: Candidate) -> str:
    """Return the stack of a candidate as text, with the environment that it asks for."""
    place = f" in {candidate.environment}" if candidate.environment else ""
    label = stack_label(candidate.layers) if candidate.layers else _choices(candidate)
    return terminal_text(label + place)


def _choices(candidate: Candidate) -> str:
    return " + ".join(candidate.choices.values()) or "plain"


def race_picture(race: Race) -> Table:
    """Return which heats each candidate took part in, when it was dropped, and its gain."""
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


def clock(seconds: float) -> str:
    """Return a time as minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
