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

WITHOUT_FOLDER = """
import os
import pathlib

make = os.mkdir

def fail(path, *arguments, **options):
    if "traingate-session-" in str(path):
        raise OSError(28, "No space left on device", str(path))
    make(path, *arguments, **options)

os.mkdir = fail
if hasattr(pathlib, "_normal_accessor"):  # Python 3.10
    pathlib._normal_accessor.mkdir = fail
"""

LACKS = {
    "processes": (WITHOUT_PYTHON, "No such file or directory: '/missing/python'"),
    "a folder": (WITHOUT_FOLDER, "No space left on device"),
}
"""Conftest files that take away what a session needs, and what its tests say then."""


AGAINST_PYTHON = (*OPTIONS, f"--traingate-against-python={sys.executable}")


@pytest.mark.parametrize(
    ("lack", "options"),
    [
        pytest.param("processes", COMPARE, id="processes, stored runs"),
        pytest.param("processes", AGAINST_PYTHON, id="processes, duet"),
        pytest.param("processes", OPTIONS, id="processes, no comparison"),
        pytest.param("a folder", COMPARE, id="a folder, stored runs"),
    ],
)
def test_a_session_that_lacks_what_it_needs_fails_its_tests_and_writes_all_results(
    pytester, save, lack, options
):
    conftest, problem = LACKS[lack]
    save(FAST)
    pytester.makeconftest(conftest)
    reports = ("--junitxml=junit.xml", "--traingate-json=results.json")
    result = run(pytester, TWO, *reports, options=options)
    assert result.ret == 1, text_of(result)
    assert "INTERNALERROR" not in text_of(result)
    assert "Traceback" not in text_of(result)
    messages = [line for line in result.outlines if problem in line and "FAILED" not in line]
    assert len(messages) == 1
    result.assert_outcomes(passed=1, failed=1)
    assert "test_sleeping" in (pytester.path / "junit.xml").read_text()
    (failed,) = json.loads((pytester.path / "results.json").read_text())["tests"]
    assert problem in json.dumps(failed)
