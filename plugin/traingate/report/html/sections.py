"""Prepare the section of each test: its charts and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from traingate.controller.profiling import SideProfiles
from traingate.records import Measurement, Verdict
from traingate.records.profile import Profile, compact_profile
from traingate.report.flame_graph import frames
from traingate.report.html.attribution import attribution_tables
from traingate.report.html.chart import Chart, Table, significant
from traingate.report.html.duet import pair_steps_chart, pairs_chart
from traingate.report.html.overview import Line
from traingate.report.html.phases import phases_chart
from traingate.report.html.steps import launches_chart
from traingate.report.html.surroundings import (
    counter_table,
    differences,
    key_figures,
    machine_table,
    software_lists,
)
from traingate.untrusted.plain_text import shortened

_CELLS: Final = 1000
"""Number of cells of a duet's profiles that the page has."""

_MAX_NAME: Final = 500
"""Largest number of characters of a module's path in the table."""

_MAX_CELLS: Final = 20
"""Number of rows of the table beside a flame graph."""


@dataclass(frozen=True)
class Flame:
    """Flame graph of a step.

    Attributes:
        frames: Tree of the frames.
        has_base: True if it compares with the base's profile.
        label: Main facts in words.
        table: Longest parts of the step.
    """

    frames: dict[str, Any]
    has_base: bool
    label: str
    table: Table


@dataclass(frozen=True)
class Section:
    """Section of one test. A field is empty or None if its part is left out.

    Attributes:
        line: Line of the test in the list of verdicts.
        pairs: Ratio of each pair of a duet.
        pair_steps: Steps of both sides of a duet.
        launches: Steps of each launch.
        phases: Phases of a step.
        attribution: Tables of the explanation, with their titles.
        facts: Further facts of the explanation.
        flame: Flame graph.
        figures: Key figures.
        counters: Counters with reasons.
        differences: Differences from the baseline or the base.
        machine: Machine and software.
        software: Long lists of software, with their titles.
    """

    line: Line
    pairs: Chart | None = None
    pair_steps: Chart | None = None
    launches: Chart | None = None
    phases: Chart | None = None
    attribution: Sequence[tuple[str, Table]] = ()
    facts: Sequence[str] = ()
    flame: Flame | None = None
    figures: Table | None = None
    counters: Table | None = None
    differences: Sequence[str] = ()
    machine: Table | None = None
    software: Sequence[tuple[str, Table]] = field(default=())


def sections(
    lines: Sequence[Line],
    measurements: Mapping[str, Measurement],
    baselines: Mapping[str, Measurement],
    sides: Mapping[str, SideProfiles],
) -> list[Section]:
    """Return the section of each test, in the order of the list of verdicts.

    Args:
        lines: Lines of that list.
        measurements: Records by the full name of their test.
        baselines: Stored records that they were compared with, by the same names.
        sides: Profiles of both sides of their duets, by the same names.
    """
    return [
        _section(line, measurements.get(test), baselines.get(test), sides.get(test))
        for line in lines
        for test in [line.result.test]
    ]


def _section(
    line: Line,
    record: Measurement | None,
    baseline: Measurement | None,
    sides: SideProfiles | None,
) -> Section:
    verdict = line.result.verdict
    explanation = verdict.explanation if verdict is not None else None
    tables = attribution_tables(explanation) if explanation is not None else []
    facts = explanation.facts if explanation is not None else ()
    if record is None:
        return Section(line, attribution=tables, facts=facts)
    duet = record.duet
    return Section(
        line=line,
        pairs=_pairs(record, verdict or record.verdict),
        pair_steps=pair_steps_chart(duet) if duet is not None else None,
        launches=launches_chart(record.launches),
        phases=phases_chart(record, baseline),
        attribution=tables,
        facts=facts,
        flame=_flame(*_profiles(record, baseline, sides)),
        figures=key_figures(record),
        counters=counter_table(record),
        differences=differences(record, baseline),
        machine=machine_table(record),
        software=software_lists(record),
    )


def _profiles(
    record: Measurement, baseline: Measurement | None, sides: SideProfiles | None
) -> tuple[Profile | None, Profile | None]:
    """Return the profiles of the candidate and of what it was compared with."""
    if sides is not None:
        candidate, base = (compact_profile(side, _CELLS) for side in (sides.candidate, sides.base))
        return candidate, base
    return record.profile, None if baseline is None else baseline.profile


def _pairs(record: Measurement, verdict: Verdict | None) -> Chart | None:
    if record.duet is None or verdict is None:
        return None
    return pairs_chart(record.duet, verdict)


def _flame(profile: Profile | None, base: Profile | None) -> Flame | None:
    if profile is None or not profile.cells:
        return None
    tree = frames(profile, base)
    longest = sorted(profile.cells, key=lambda cell: -cell.seconds)[:_MAX_CELLS]
    children = sorted(tree.children.values(), key=lambda child: -child.now)
    phases = ", ".join(f"{child.name} {1000 * child.now:.4g} ms" for child in children[:3])
    return Flame(
        frames=_rounded(tree.as_json()),
        has_base=base is not None,
        label=f"Flame graph of one step of {1000 * tree.now:.4g} ms: {phases}",
        table=Table(
            ("phase", "module", "operator", "calls", "ms per step"),
            [
                [
                    cell.phase,
                    shortened(cell.module, _MAX_NAME),
                    cell.operator,
                    f"{cell.calls:g}",
                    f"{1000 * cell.seconds:.4g}",
                ]
                for cell in longest
            ],
            left=(0, 1, 2),
        ),
    )


def _rounded(frame: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": frame["name"],
        "now": significant(frame["now"]),
        "base": significant(frame["base"]),
        "children": [_rounded(child) for child in frame["children"]],
    }
