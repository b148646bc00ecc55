"""Tests that leave the working directory in which pytest was started."""

from __future__ import annotations

import pytest
from comparing_runs import FAST, OPTIONS, run, text_of

LEAVING = """
import os
from trainings import sleeping

def test_sleeping(training_benchmark, tmp_path, monkeypatch):
    {leave}(tmp_path)
    training_benchmark(sleeping)
"""


@pytest.mark.parametrize(
    ("leave", "compare", "storage"),
    [
        ("monkeypatch.chdir", "--benchmark-compare", "stored"),
        ("os.chdir", "--benchmark-compare", "file://./stored"),
        ("os.chdir", "--benchmark-compare=stored/0001_base.json", "elsewhere"),
    ],
    ids=["restored", "not restored", "a named file"],
)
def test_a_test_may_change_the_working_directory_before_it_is_compared(
    pytester, save, leave, compare, storage
):
    save(FAST)
    given = (compare, f"--benchmark-storage={storage}", "--traingate-tolerance=40")
    results = pytester.path / "results.md"
    result = run(
        pytester,
        LEAVING.format(leave=leave),
        *(f"--traingate-markdown={results.name}", "--benchmark-save=mine"),
        options=(*OPTIONS, *given),
    )
    assert result.ret == 1, text_of(result)
    assert "1 compared" in text_of(result)
    folder = storage.removeprefix("file://./")
    assert len(list(pytester.path.glob(f"{folder}/*/*_mine.json"))) == 1
    assert f"{compare} --benchmark-storage={folder}" in results.read_text()
