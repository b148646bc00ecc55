"""Prepare the sections of races: the answer as a table, and the launches over time as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traingate.races.answer import Answer, answer
from traingate.races.estimates import launch_ratios
from traingate.races.standings import Standing
from traingate.records.race import PLAIN, Race
from traingate.report.html.chart import Chart, Table, significant, without_empty_columns
from traingate.report.race import (
    end_text,
    headline,
    notes,
    place_titles,
    ratio_text,
    ratio_title,
)
from traingate.report.race_picture import candidate_name, clock


@dataclass(frozen=True)
class RaceSection:
    """Section of one race.

    Attributes:
        title: Full name of the test.
        summary: Sentences on the race.
        headline: Sentence on the winner; empty if nothing was measured.
        chart: Throughput of each launch over the time; None if there is nothing to draw.
        standings: Candidates of the final.
        contributions: Contributions of the winner's choices; None without any.
        failures: Candidates that could not be measured, each with the reason.
        notes: Sentences on how sure the answer is.
    """

    title: str
    summary: tuple[str, ...]
    headline: str
    chart: Chart | None
    standings: Table | None
    contributions: Table | None
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def race_sections(races: Sequence[Race]) -> list[RaceSection]:
    """Return the section of each race."""
    return [_section(race, answer(race)) for race in races]


def _section(race: Race, result: Answer) -> RaceSection:
    return RaceSection(
        title=race.test,
        summary=(
            f"{race.space_size} candidates, {len(race.measured)} measured in "
            f"{len(race.heats)} heats and {clock(race.seconds)} minutes; {end_text(race)}.",
            race.machine.title,
        ),
        headline="" if result.winner is None else headline(race, result),
        chart=_chart(race, result),
        standings=_standings(race, result),
        contributions=_contributions(race, result),
        failures=tuple(
            f"{candidate_name(race.candidates[item.candidate])}: {item.reason}"
            for item in race.eliminations
            if item.kind != "slower"
        ),
        notes=tuple(notes(race, result)),
    )


def _standings(race: Race, result: Answer) -> Table | None:
    if result.winner is None:
        return None
    best, like_it, behind_it = place_titles(race)
    places = [(best, result.winner)]
    places += [(like_it, standing) for standing in result.equals]
    places += [(behind_it, standing) for standing in result.slower]
    if not result.has_final:
        places += [("", standing) for standing in result.others]
    rows = [_row(race, place, standing) for place, standing in places]
    columns = ("", "stack", "samples/s", "x plain", f"x {best}", "roofline", "peak memory")
    return without_empty_columns(Table(columns, rows, left=(0, 1)))


def _row(race: Race, place: str, standing: Standing) -> list[str]:
    interval = standing.samples_per_second_interval
    ends = f" ({interval[0]:.4g} to {interval[1]:.4g})" if interval else ""
    share = standing.roofline_share
    return [
        place,
        candidate_name(race.candidates[standing.candidate]),
        f"{standing.samples_per_second:.4g}{ends}",
        ratio_text(standing.over_plain),
        ratio_text(standing.over_winner),
        "" if share is None else f"{100 * share:.0f} % {standing.bound}",
        f"{standing.peak_bytes / 2**30:.2f} GiB" if standing.peak_bytes else "",
    ]


def _contributions(race: Race, result: Answer) -> Table | None:
    if not result.contributions:
        return None
    rows = [
        [item.axis, item.label, ratio_text(item.ratio) or "not measured"]
        for item in result.contributions
    ]
    title = f"{ratio_title(race)} with it / without it"
    return Table(("axis", "choice", title), rows, left=(0, 1))


def _chart(race: Race, result: Answer) -> Chart | None:
    """Return the chart of all launches: the time, and the throughput divided by that of plain."""
    ratios = launch_ratios(race, PLAIN)
    if not ratios or result.winner is None:
        return None
    names = [candidate_name(candidate) for candidate in race.candidates]
    points, rows = [], []
    for item, ratio in ratios:
        heat = race.heats[item.heat]
        minutes = (heat.started_seconds + heat.seconds) / 60
        points.append(
            {
                "candidate": item.candidate,
                "minutes": significant(minutes),
                "ratio": significant(ratio),
                "stage": heat.stage,
            }
        )
        rows.append([names[item.candidate], heat.stage, f"{minutes:.1f}", f"{ratio:.3f}"])
    ends = [
        {
            "candidate": item.candidate,
            "minutes": significant(item.seconds / 60),
            "reason": item.reason,
        }
        for item in race.eliminations
        if item.kind == "slower"
    ]
    best = max(ratio for _, ratio in ratios)
    return Chart(
        kind="race",
        label=(
            f"Throughput of {len(names)} candidates over the time of the race, divided by that of "
            f"plain. The fastest launch is at {best:.2f}; the winner is "
            f"{names[result.winner.candidate]}."
        ),
        data={"names": names, "winner": result.winner.candidate, "points": points, "ends": ends},
        table=Table(("stack", "stage", "minute", "x plain"), rows, left=(0, 1)),
        table_title="All launches",
        height=340,
    )
