"""Summaries of a job of GitHub Actions that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from comparing_runs import MEASURE, ONE_MEASURED, run, text_of

PROBLEMS = {
    "a folder": "it is a folder, not a file",
    "a FIFO that nobody reads": "No such device or address",
    "a full disk": "No space left on device",
}


@pytest.mark.usefixtures("save")
@pytest.mark.parametrize("kind", PROBLEMS)
def test_a_summary_that_cannot_be_written_fails_the_run_with_one_message(
    pytester, monkeypatch, kind
):
    summary = pytester.path / "summary"
    if kind == "a folder":
        summary.mkdir()
    elif kind == "a full disk":
        summary = Path("/dev/full")
    else:
        os.mkfifo(summary)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    markdown = pytester.path / "results.md"
    options = (*MEASURE, f"--traingate-markdown={markdown}")
    result = run(pytester, ONE_MEASURED, options=options)
    assert result.ret == 1, text_of(result)
    problems = [line for line in result.outlines if "GITHUB_STEP_SUMMARY" in line]
    assert len(problems) == 1
    assert f"ERROR: GITHUB_STEP_SUMMARY: {summary} was not written: " in problems[0]
    assert PROBLEMS[kind] in problems[0]
    assert "1 passed" in text_of(result)
    assert "1 training benchmark measured" in markdown.read_text()
