"""A new graph break that the test's marker accepts, in a duet with torch."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from repositories import COMPILED, FAST, record

pytestmark = pytest.mark.long

DUET = (*FAST, "--traingate-against=HEAD", "--traingate-tolerance=49")

MARKER = """@pytest.mark.traingate(
    accept_slowdown=49.0, accept_counters={"dynamo_graph_breaks": 1}, accept_reason="see #123"
)"""


@pytest.fixture
def broken(committed):
    """Return a function that writes these statements and this marker into the committed test."""
    pytester = committed(COMPILED)

    def write(statements: str, marker: str = MARKER):
        text = COMPILED.replace("# here", statements).replace("# marker", marker)
        (pytester.path / "test_training.py").write_text(text)
        return pytester

    return write


def test_a_new_graph_break_passes_where_its_change_accepts_it_and_the_reason_is_kept(broken):
    pytester = broken("torch._dynamo.graph_break()")
    result = pytester.runpytest_subprocess(
        *DUET, "--junitxml=junit.xml", "--benchmark-json=record.json"
    )
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    verdict = record(pytester)["verdict"]
    assert verdict["accepted"]["reason"] == "see #123"
    assert not verdict["failed"]
    assert any("accepted: 1 graph break, 0 before" in line for line in verdict["evidence"])
    case = next(ET.parse(pytester.path / "junit.xml").getroot().iter("testcase"))
    properties = {item.get("name"): item.get("value") for item in case.iter("property")}
    assert properties["traingate_accepted"] == "see #123"
    assert properties["traingate_verdict"] == verdict["outcome"]


def test_more_graph_breaks_than_are_accepted_fail(broken):
    statement = "torch._dynamo.graph_break()"
    pytester = broken(f"{statement}\n        x = x + 1\n        {statement}")
    result = pytester.runpytest_subprocess(*DUET, "--benchmark-json=record.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*REGRESSED: by the code: 2 graph breaks, 0 before: *"])
