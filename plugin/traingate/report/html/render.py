"""Render the HTML report from the results, the records and the history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from traingate.controller.profiling import SideProfiles
from traingate.records import Measurement
from traingate.records.history import History
from traingate.records.race import Race
from traingate.records.results import SuiteResults
from traingate.report import figures
from traingate.report.flame_graph import FLAME_GRAPH_SCRIPTS, FLAME_GRAPH_STYLES
from traingate.report.html.chart import minus
from traingate.report.html.history import history_part
from traingate.report.html.ladder import ladders
from traingate.report.html.overview import overview
from traingate.report.html.races import race_sections
from traingate.report.html.sections import sections
from traingate.report.html.sweeps import sweeps
from traingate.report.page import asset, content_security_policy, inline, page_environment

_SCRIPTS: Final = (
    *FLAME_GRAPH_SCRIPTS,
    "plot.umd.min.js",
    "report/plots.js",
    "report/test_plots.js",
    "report/history_plot.js",
    "report/race_plot.js",
    "report/page.js",
)
_STYLES: Final = (*FLAME_GRAPH_STYLES, "report/report.css", "report/parts.css")


def render_report(
    results: SuiteResults,
    measurements: Mapping[str, Measurement],
    history: History | None = None,
    *,
    baselines: Mapping[str, Measurement] | None = None,
    sides: Mapping[str, SideProfiles] | None = None,
    races: Sequence[Race] = (),
    created: str = "",
) -> str:
    """Return the report as one page, which needs no other file and no network.

    Args:
        results: Results of a session or of a comparison. Their tests give the order.
        measurements: Records of the tests, by the full name of the test, in the order of measuring.
        history: History of the benchmarks; None to leave it out.
        baselines: Stored records that the tests were compared with, by the same names.
        sides: Profiles of both sides of duets, by the same names.
        races: Races of ``traingate tune``.
        created: Date and time of the report; empty to leave it out.
    """
    lines = overview(results.tests)
    scripts = [asset(name) for name in _SCRIPTS]
    environment = page_environment()
    environment.filters.update(ratio=figures.ratio, minus=minus)
    return environment.get_template("report/report.html").render(
        results=results,
        lines=lines,
        sections=sections(lines, measurements, baselines or {}, sides or {}),
        ladders=ladders(measurements),
        sweeps=sweeps(measurements),
        races=race_sections(races),
        history=history_part(history),
        created=created,
        policy=content_security_policy(scripts),
        scripts=inline(scripts),
        styles=inline([asset(name) for name in _STYLES]),
    )
