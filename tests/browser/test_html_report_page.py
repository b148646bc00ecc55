"""Test the HTML report in a browser."""

from __future__ import annotations

import msgspec
import pytest

from hostile_report import HOSTILE, hostile_page
from opened_page import KINDS
from sample_history import history_of
from sample_report import duet_of, layers, profile_of, record_of, records, results_of, verdict_of
from simulated_launches import launch
from traingate.records import Outcome
from traingate.report.html import render_report

OPEN_ALL = "document.querySelectorAll('details').forEach(details => { details.open = true; })"
IS_DRAWN = """name => [...document.querySelectorAll(`.chart[data-kind=${name}] .plot`)]
    .every(plot => plot.querySelector('svg'))"""


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("report") / "report.html"
    measurements = records()
    file.write_text(render_report(results_of(measurements), measurements, history_of(80, 2)))
    return file


def test_each_kind_of_chart_is_drawn_with_a_role_and_a_label(opened, report_file):
    report = opened(report_file)
    for kind in KINDS:
        report.scroll_to(kind)
        for plot in report.page.locator(f".chart[data-kind={kind}] .plot:visible").all():
            assert plot.get_attribute("role") == "img"
            assert plot.get_attribute("tabindex") == "0"
            assert len(plot.get_attribute("aria-label")) > 30
        assert report.page.evaluate(IS_DRAWN, kind) or kind in {"phases", "steps"}
    assert report.count(".plot-failed") == 0
    pairs = report.page.locator("[data-kind=pairs]")
    assert pairs.locator("circle").count() == 5
    assert "between -19.8 and -18.0 %, tolerance 5 %" in pairs.locator(".plot").get_attribute(
        "aria-label"
    )
    assert report.page.locator("[data-kind=flame] .frame").count() > 20


def test_dark_mode_changes_the_colours_of_page_and_charts(opened, report_file):
    script = """() => {
        const bar = document.querySelector(".chart[data-kind=ladder] svg [aria-label=bar]");
        return [document.body, bar].map((node, index) =>
            getComputedStyle(node)[index ? "fill" : "backgroundColor"]);
    }"""
    colours = []
    for scheme in ("light", "dark"):
        report = opened(report_file, color_scheme=scheme)
        report.scroll_to("ladder")
        colours.append(report.page.evaluate(script))
    (light_page, light_bar), (dark_page, dark_bar) = colours
    assert light_page == "rgb(251, 251, 249)"
    assert dark_page == "rgb(19, 22, 26)"
    assert light_bar != dark_bar


@pytest.mark.parametrize("width", [360, pytest.param(700, marks=pytest.mark.long), 1600])
def test_no_part_is_wider_than_the_page(opened, report_file, width):
    report = opened(report_file, width=width)
    report.page.evaluate(OPEN_ALL)
    report.scroll_to_all()
    assert report.page.evaluate("document.documentElement.scrollWidth") == width
    assert report.page.evaluate("document.querySelectorAll('.scroll table').length") > 50


def test_a_chart_is_drawn_again_when_its_width_changes(opened, report_file):
    report = opened(report_file)
    report.scroll_to("sweep")
    svg = report.page.locator("[data-kind=sweep] svg").first
    assert int(svg.get_attribute("width")) > 1000
    report.page.set_viewport_size({"width": 500, "height": 800})
    report.scroll_to("sweep")
    report.page.wait_for_function(
        "() => document.querySelector('[data-kind=sweep] svg').getAttribute('width') < 500"
    )


def test_the_keyboard_reaches_the_skip_link_and_opens_what_is_folded(opened, report_file):
    report = opened(report_file)
    report.page.keyboard.press("Tab")
    assert "Skip to the results" in report.focused()
    assert report.page.locator(".skip").bounding_box()["y"] >= 0
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert report.page.evaluate(outline) == "solid"
    report.page.keyboard.press("Enter")
    assert 'id="content"' in report.focused()
    report.tab_to("other tests without a finding")
    assert report.count(".quiet[open]") == 0
    report.page.keyboard.press("Enter")
    assert report.count(".quiet[open]") == 1
    report.tab_to("#test-5")
    report.page.keyboard.press("Enter")
    assert report.page.locator("#test-5").get_attribute("open") is not None
    report.tab_to('role="img"')


def test_the_address_of_a_folded_test_opens_it(opened, report_file, tmp_path):
    report = opened(report_file)
    assert report.page.locator("#test-9").get_attribute("open") is None
    report.page.evaluate("location.hash = 'test-9'")
    report.page.wait_for_function("() => document.getElementById('test-9').open")


def test_the_flame_graph_of_each_test_has_its_own_search(opened, report_file):
    report = opened(report_file)
    report.scroll_to("flame")
    fill = "document.querySelector('.frame[name=\"conv1\"] rect').getAttribute('fill')"
    before = report.page.evaluate(fill)
    report.page.fill("[data-kind=flame] input[type=search]", "conv1")
    report.page.wait_for_function(f"() => {fill} !== '{before}'")
    assert report.page.evaluate(fill) != before
    report.page.click("[data-kind=flame] button[type=reset]")
    report.page.wait_for_function(f"() => {fill} === '{before}'")
    assert report.page.evaluate(fill) == before


@pytest.mark.parametrize("text", HOSTILE[:7], ids=ascii)
def test_a_hostile_text_is_shown_and_runs_nothing(opened, tmp_path, text):
    file = tmp_path / "hostile.html"
    file.write_text(hostile_page(text))
    report = opened(file)
    report.page.evaluate(OPEN_ALL)
    report.scroll_to_all()
    assert report.count(".plot-failed") == 0
    assert report.page.evaluate("window.ran") is None
    assert report.count("img, iframe, b, object, base") == 0
    assert report.count("script:not([type])") == hostile_page("harmless").count("<script>")
    assert report.page.locator("h1").inner_text().endswith(text)
    label = report.page.locator("[data-kind=ladder] svg text", has_text=text[:12]).first
    assert text[:12] in label.text_content()
    report.page.locator("[data-kind=history] .plot").hover()
    report.page.locator("[data-kind=history] [aria-label=tip] text").first.wait_for()
    assert (
        text[:12]
        in report.page.locator("[data-kind=history] [aria-label=tip]").first.text_content()
    )


def test_a_script_that_is_not_of_the_package_does_not_run(browser, report_file):
    context = browser.new_context()
    page = context.new_page()
    page.goto(report_file.as_uri())
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<p onclick='window.ran = true' id=trap>x</p>");
        document.getElementById("trap").click();
    }""")
    assert page.evaluate("window.ran") is None
    context.close()


def test_a_print_has_what_is_folded_and_all_charts(opened, report_file):
    report = opened(report_file)
    script = """() => addEventListener("beforeprint", () => { window.printed = {
        folded: document.querySelectorAll("details:not([open], .made-by-script)").length,
        missing: [...document.querySelectorAll(".plot")].filter(plot => !plot.querySelector("svg")).length,
        unfinished: document.querySelectorAll(".frame rect:not([width])").length,
        widest: Math.max(...[...document.querySelectorAll(".plot svg")].map(svg => svg.getAttribute("width"))),
    }; })"""
    report.page.evaluate(script)
    folded = report.count("details:not([open])")
    assert report.page.pdf()[:5] == b"%PDF-"
    assert report.page.evaluate("window.printed") == {
        "folded": 0, "missing": 0, "unfinished": 0, "widest": 680,
    }  # fmt: skip
    assert report.count("details:not([open])") == folded


def test_print_shows_what_is_folded_without_scripts(opened, report_file):
    report = opened(report_file, java_script_enabled=False)
    command = report.page.locator("#test-9 pre.command")
    assert command.is_visible() is False
    report.page.emulate_media(media="print")
    assert command.is_visible() is True


def test_without_scripts_verdicts_and_tables_are_there(opened, report_file):
    report = opened(report_file, java_script_enabled=False)
    assert "18.8 % lower than the base's" in report.page.locator("#test-1 pre.text").inner_text()
    assert report.page.locator("[data-kind=pairs] .plot").is_visible() is False
    report.page.locator("[data-kind=pairs] summary").click()
    assert report.page.locator("[data-kind=pairs] tbody tr").count() == 5
    assert report.page.locator("[data-kind=pairs] table").is_visible()
    assert report.page.locator(".made-by-script").first.is_visible() is False
    assert report.page.locator("noscript p").is_visible()


def test_the_smallest_records_are_drawn_too(opened, tmp_path):
    interval = {"samples_per_second_interval": None}
    tiny = msgspec.structs.replace(
        record_of(10.0, layers(batch_size=0), **interval), launches=(launch([0.1]),)
    )
    judged = msgspec.structs.replace(
        record_of(10.0, layers(batch_size=8), **interval, profile=profile_of()),
        verdict=verdict_of(Outcome.IMPROVED, -9.0, slowdown_percent_interval=None),
        duet=duet_of((-0.09,)),
    )
    measurements = {"a::tiny": tiny, "a::judged": judged}
    history = history_of(120, 1)
    series = history.series[0]
    point = msgspec.structs.replace(series.points[0], interval=None)
    alone = msgspec.structs.replace(series, points=(point,), changes=(), since_anchor=None)
    history = msgspec.structs.replace(history, commits=(), series=(alone,), left_out={})
    file = tmp_path / "tiny.html"
    file.write_text(render_report(results_of(measurements, refused=False), measurements, history))
    report = opened(file)
    report.page.evaluate(OPEN_ALL)
    for kind in KINDS:
        report.scroll_to(kind)
        assert report.page.evaluate(IS_DRAWN, kind)
        assert report.count(f"[data-kind={kind}]") > 0
    assert report.count(".plot-failed") == 0
    wrong = ", ".join(f"svg [{name}*=NaN]" for name in ("d", "x", "cx", "width", "transform"))
    assert report.count(wrong) == 0
