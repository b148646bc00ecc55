"""Sessions that cannot get what they need before their first test is measured."""

from __future__ import annotations

import json
import sys

import pytest
from comparing_runs import COMPARE, FAST, OPTIONS, TWO, run, text_of

WITHOUT_PYTHON = """
import sys

sys.executable = "/missing/python"  # as in a program that embeds Python
"""


@pytest.mark.parametrize(
    "options",
    [COMPARE, (*OPTIONS, f"--traingate-against-python={sys.executable}"), OPTIONS],
    ids=["stored runs", "duet", "no comparison"],
)
def test_a_session_that_cannot_start_its_processes_fails_its_tests_and_writes_all_results(
    pytester, save, options
):
    save(FAST)
    pytester.makeconftest(WITHOUT_PYTHON)
    reports = ("--junitxml=junit.xml", "--traingate-json=results.json")
    result = run(pytester, TWO, *reports, options=options)
    assert result.ret == 1, text_of(result)
    assert "INTERNALERROR" not in text_of(result)
    assert "Traceback" not in text_of(result)
    problem = "No such file or directory: '/missing/python'"
    messages = [line for line in result.outlines if problem in line and "FAILED" not in line]
    assert len(messages) == 1
    result.assert_outcomes(passed=1, failed=1)
    assert "test_sleeping" in (pytester.path / "junit.xml").read_text()
    (failed,) = json.loads((pytester.path / "results.json").read_text())["tests"]
    assert problem in json.dumps(failed)
