import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from hostile_report import HOSTILE, hostile_page
from sample_history import history_of
from sample_report import (
    profile_of,
    record_of,
    records,
    results_of,
)
from traingate.records.profile import Cell, Profile
from traingate.records.results import SuiteResults
from traingate.report.html import render_report
from traingate.report.page import json_data
from traingate.report.results import measured_result, refused_result, suite_results


class Page(HTMLParser):
    """Elements, scripts and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.ids, self.headings, self.attributes = [], [], [], []
        self.scripts, self.data, self.texts = [], [], []
        self._kind, self.policy = "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append(tag)
        self.attributes.append(sorted(attributes))
        self.ids.append(attributes.get("id"))
        self._kind = f"{tag} {attributes.get('type', '')}".strip()
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]

    def handle_endtag(self, tag):
        self._kind = ""

    def handle_data(self, text):
        if self._kind == "script":
            self.scripts.append(text)
        elif self._kind == "script application/json":
            self.data.append(text)
        elif self._kind != "style":
            self.texts.append(text)


@pytest.fixture(scope="module")
def text():
    measurements = records()
    return render_report(results_of(measurements), measurements, history_of(), created="today")


@pytest.fixture(scope="module")
def benign():
    return Page(hostile_page("benign"))


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_hostile_text_changes_nothing_but_itself(name, benign):
    page = hostile_page(name)
    parsed = Page(page)
    assert parsed.elements == benign.elements
    assert parsed.attributes == benign.attributes
    assert parsed.ids == benign.ids
    assert parsed.scripts == benign.scripts
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "".join(parsed.texts)
    )
    for data in parsed.data:
        assert not re.search("[<>&\u2028\u2029]", data)
        json.loads(data)
    page.encode()


def test_a_hostile_text_is_shown_as_it_is():
    shown = "".join(Page(hostile_page("<b>x</b> & 'y'")).texts)
    assert shown.count("<b>x</b> & 'y'") > 30


def test_only_the_scripts_of_the_package_may_run_and_nothing_is_loaded(text):
    page = Page(text)
    hashes = {
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        for script in page.scripts
    }
    assert set(re.findall("'sha256-([^']+)'", page.policy)) == hashes
    assert len(hashes) == 9
    assert page.policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline'; img" in page.policy
    assert page.policy.count("unsafe") == 1
    assert not re.search(
        r'<(?:script|img|iframe)[^>]+src=|<link[^>]+href=.(?!data:)|url\(["\']?http', text
    )
    assert set(re.findall(r'<a [^>]*href="(.)', text)) == {"#"}


def test_each_link_leads_to_a_part_of_the_page(text):
    ids = Page(text).ids
    links = re.findall(r'<a [^>]*href="#([^"]+)"', text)
    assert len(links) > 20
    assert set(links) <= set(ids)
    real = [each for each in ids if each]
    assert len(real) == len(set(real))


def test_headings_go_down_one_level_at_a_time(text):
    headings = Page(text).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(headings))


def test_data_that_json_cannot_express_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_data([float("nan")])
    assert json_data({"a": ["</script>", 1.5, None]}) == '{"a":["\\u003c/script\\u003e",1.5,null]}'


def test_empty_parts_are_left_out_with_their_headings():
    page = render_report(SuiteResults(state="measured", title="nothing measured"), {})
    parsed = Page(page)
    assert parsed.headings == [1]
    assert not {"verdicts", "ladder", "sweeps", "tests", "history", "problems"} & set(parsed.ids)
    assert "nothing measured" in page


def test_a_test_that_was_not_measured_has_its_error_alone():
    page = render_report(
        suite_results([refused_result("a::b", "nothing is stored\nSave a run.")]), {}
    )
    assert "Save a run." in page
    assert re.findall("<h4>(.*?)</h4>", page) == ["Verdict"]


def test_only_what_failed_or_moved_is_open(text):
    sections = re.findall(
        r'<details class="test" id="(.*?)"( open)?>\n<summary><h3>(.*?)</h3>', text
    )
    assert len(sections) == 18
    opened = [name.rpartition("::")[2] for _, is_open, name in sections if is_open]
    assert opened == ["test_net", "test_new", "test_ipex_optimize[4]", "test_tuned_runtime[4]"]
    assert [bool(is_open) for _, is_open, _ in sections] == [True] * 4 + [False] * 14


def test_a_flame_graph_compares_with_the_profile_of_the_baseline():
    record = record_of(10.0, profile=profile_of(0.0006))
    results = suite_results([measured_result("a", record, "")])
    alone = render_report(results, {"a": record})
    compared = render_report(
        results, {"a": record}, baselines={"a": record_of(9.0, profile=profile_of())}
    )
    assert ('"has_base":true' in alone, '"has_base":true' in compared) == (False, True)


def test_a_profile_of_very_deep_modules_is_cut():
    path = ".".join("a" * 5000)
    deep = Profile(
        steps=1, step_seconds=0.1, cells=(Cell("forward", path, "aten::mm", "", 1, 0.1),)
    )
    record = record_of(10.0, profile=deep)
    page = render_report(suite_results([measured_result("a", record, "")]), {"a": record})
    assert "Flame graph" in page


def test_a_long_history_stays_small_and_quick():
    history = history_of(2000, 15)
    started = time.perf_counter()
    page = render_report(SuiteResults(state="measured", title="none"), {}, history)
    seconds = time.perf_counter() - started
    assert len(page.encode()) < 5_000_000
    assert seconds < 20  # takes half a second where nothing else runs
    assert page.count('data-kind="history"') == 15
