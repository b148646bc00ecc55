"""Test the history of the HTML report in a browser."""

from __future__ import annotations

import pytest

from sample_history import history_of
from traingate.records.results import SuiteResults
from traingate.report.html import render_report


@pytest.fixture(scope="module")
def history_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("history") / "history.html"
    nothing = SuiteResults(state="measured", title="nothing measured")
    file.write_text(render_report(nothing, {}, history_of(2000, 15)))
    return file


def test_charts_of_a_long_history_are_drawn_when_they_are_scrolled_to(opened, history_file):
    report = opened(history_file)
    plots = report.page.locator("[data-kind=history] .plot")
    plots.first.locator("svg").wait_for()
    assert plots.count() == 15
    drawn = report.page.locator("[data-kind=history] .plot svg")
    assert 1 <= drawn.count() < 6
    assert plots.last.locator("svg").count() == 0
    plots.last.scroll_into_view_if_needed()
    plots.last.locator("svg").first.wait_for()
    assert plots.nth(7).locator("svg").count() == 0
    assert report.count("svg *") < 3000


def test_the_newest_commits_can_be_looked_at_alone(opened, history_file):
    report = opened(history_file)
    first = report.page.locator("[data-kind=history] .plot").first
    first.locator("svg").wait_for()
    assert first.locator("circle").count() < 10
    report.page.get_by_label("newest 100", exact=True).check()
    report.page.wait_for_function(
        "() => document.querySelectorAll('.plot')[0].querySelectorAll('circle').length >= 100"
    )


def test_the_table_of_all_points_is_made_when_it_is_opened(opened, history_file):
    report = opened(history_file)
    assert report.count(".made-by-script table") == 0
    report.page.locator(".made-by-script summary").first.click()
    report.page.locator(".made-by-script table").wait_for()
    assert report.count(".made-by-script tbody tr") == 2000
    newest = report.page.locator(".made-by-script tbody tr").first.inner_text()
    assert "Speed up the loader (1999)" in newest
