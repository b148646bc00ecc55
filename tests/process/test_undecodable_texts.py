"""Texts of a worker that are not UTF-8: they end no session, and are no difference by themselves."""

from __future__ import annotations

import json

import pytest
from comparing_runs import COMPARE, FAST, ONE_MEASURED, run

FILES = ("--traingate-json=r.json", "--traingate-markdown=r.md", "--traingate-html=r.html")
FAILING = """
def failing():
    raise ValueError("the file \\udcff is not there")

def test_failing(training_benchmark):
    training_benchmark(failing)
"""


@pytest.mark.parametrize("stored_value", [None, "\udcff"], ids=["without it", "with it"])
def test_a_variable_that_is_not_utf8_is_compared_and_written(
    pytester, save, monkeypatch, stored_value
):
    variables = {"TORCH_FOO": stored_value} if stored_value else {}
    save(FAST, environment={"torch": "none", "packages": {}, "variables": variables})
    monkeypatch.setenv("TORCH_FOO", "\udcff")
    missing, junit = "--traingate-on-missing=record", "--junitxml=junit.xml"
    result = run(pytester, ONE_MEASURED + FAILING, missing, junit, *FILES, options=COMPARE)
    result.assert_outcomes(failed=2)
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    results = json.loads((pytester.path / "r.json").read_text())
    assert results["counts"]["regressed"] == 1
    by_name = {test["test"].partition("::")[2]: test for test in results["tests"]}
    assert r"the file \udcff is not there" in by_name["test_failing"]["details"]
    evidence = "\n".join(by_name["test_sleeping"]["verdict"]["evidence"])
    assert (r"TORCH_FOO: unset there, \udcff here" in evidence) == (stored_value is None)
    assert "TORCH_FOO: " not in evidence or stored_value is None
    assert "is not there" in (pytester.path / "r.md").read_text()
    assert "is not there" in (pytester.path / "junit.xml").read_text()
