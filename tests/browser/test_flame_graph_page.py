"""Test the flame graph in a browser."""

from __future__ import annotations

import pytest

from opened_page import OpenedPage
from traingate.records.profile import Cell, Profile
from traingate.report.flame_graph import render_flame_graph


def profile(**milliseconds):
    cells = [
        Cell("forward", f"layer1.{name}", "aten::conv2d", "", 1.0, value / 1000)
        for name, value in milliseconds.items()
    ]
    return Profile(steps=1, step_seconds=0.1, cells=tuple(cells))


BASE = profile(slower=20, faster=20, same=20, vanished=20)
CANDIDATE = profile(slower=40, faster=10, same=20, new=10)


class Page(OpenedPage):
    """Page of a flame graph in a browser."""

    def show(self, file):
        super().show(file)
        self.page.wait_for_selector(".frame rect")

    def search(self, text, changed_from):
        """Search for a text, and wait until the frame ``faster`` has another colour than now."""
        self.page.fill("#search", text)
        self.page.wait_for_function(
            "colour => [...document.querySelectorAll('.frame')].some(frame =>"
            " frame.getAttribute('name') === 'faster'"
            " && frame.querySelector('rect').getAttribute('fill') !== colour)",
            arg=changed_from,
        )

    def frames(self):
        """Return the colour and the width of each frame, by its name, when all have both."""
        # d3 sets them a moment after it has made the frame.
        self.page.wait_for_function(
            "() => [...document.querySelectorAll('.frame rect')].every(rect =>"
            " rect.getAttribute('fill') && rect.getAttribute('width'))"
        )
        script = """frames => frames.map(frame => [
            frame.getAttribute("name"),
            frame.querySelector("rect").getAttribute("fill"),
            parseFloat(frame.querySelector("rect").getAttribute("width"))])"""
        rows = self.page.eval_on_selector_all(".frame", script)
        return {name: (colour, width) for name, colour, width in rows}


@pytest.fixture
def page(browser, tmp_path):
    file = tmp_path / "flame_graph.html"
    file.write_text(render_flame_graph("a.py::test", "one cause", CANDIDATE, BASE))
    page = Page(browser.new_page(viewport={"width": 1000, "height": 600}))
    page.show(file)
    yield page
    page.close_without_complaint(file)


def test_the_width_is_the_time_now_and_the_colour_the_change(page):
    frames = page.frames()
    assert {"step", "forward", "layer1", "slower", "faster", "same", "new"} <= frames.keys()
    assert "vanished" not in frames
    widths = {name: width for name, (_, width) in frames.items()}
    assert widths["slower"] == pytest.approx(2 * widths["same"], rel=0.02)
    assert widths["slower"] == pytest.approx(widths["step"] / 2, rel=0.02)
    colours = {name: colour.replace(" ", "") for name, (colour, _) in frames.items()}
    red, green, blue = map(int, colours["slower"][4:-1].split(","))
    assert red > 200 > green == blue
    red, green, blue = map(int, colours["faster"][4:-1].split(","))
    assert blue > 200 > green == red
    assert colours["new"] == "rgb(175,95,215)"
    assert colours["same"] == "rgb(225,225,225)"


def test_a_switch_shows_what_has_vanished(page):
    page.page.check("#vanished")
    frames = page.frames()
    assert "vanished" in frames
    assert "new" not in frames
    assert frames["vanished"][1] == pytest.approx(frames["step"][1] / 4, rel=0.02)


def test_search_marks_the_frames_that_match(page):
    before = page.frames()["faster"][0]
    page.search("faster", changed_from=before)
    assert page.frames()["faster"][0] != before
    page.search("", changed_from=page.frames()["faster"][0])
    assert page.frames()["faster"][0] == before
