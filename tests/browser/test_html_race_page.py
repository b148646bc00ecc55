"""Test the section of a race in a browser."""

from __future__ import annotations

import numpy as np
import pytest

from simulated_races import Machine, SimulatedMeasurer, effects_space, simulate
from traingate.report.html import render_report
from traingate.report.results import suite_results


@pytest.fixture(scope="module")
def race():
    space = effects_space({"first": 2, "second": 3, "third": 4})
    measurer = SimulatedMeasurer(
        space,
        lambda point: 0.3 * point[1] - 0.4 * point[0] + 0.05 * point[2],
        Machine(),
        np.random.default_rng(0),
    )
    return simulate(measurer, 900, 0)[0]


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (360, "light")])
def test_the_chart_of_a_race_is_drawn(opened, race, tmp_path, width, scheme):
    file = tmp_path / "race.html"
    file.write_text(render_report(suite_results([]), {}, races=[race]))
    report = opened(file, width=width, color_scheme=scheme)
    plot = report.page.locator("[data-kind=race] .plot")
    plot.scroll_into_view_if_needed()
    plot.locator("svg").first.wait_for()
    launches = sum(len(heat.launches) for heat in race.heats)
    assert plot.locator("svg circle").count() >= launches
    page_width = report.page.evaluate("document.documentElement.scrollWidth")
    assert page_width <= width
    assert report.page.get_by_text("Fastest:").is_visible()
