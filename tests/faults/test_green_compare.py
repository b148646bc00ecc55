"""Test that ``traingate compare`` ends with exit status 2 if any test was not compared."""

from __future__ import annotations

import json

import msgspec
import pytest
from click.testing import CliRunner
from workers import record_of

from sample_records import save_run
from traingate.cli import main

ONE, TWO = "a.py::test_one", "a.py::test_two"
RECORD = record_of((0.1, 0.1001, 0.0999, 0.1), scale="smoke")


def changed(**changes):
    return msgspec.structs.replace(RECORD, **changes)


NOT_COMPARED = {
    "an empty run": ({}, "could be compared with"),
    "a test that is gone": ({TWO: RECORD}, "so these were not compared: a.py::test_one"),
    "another scale": ({ONE: changed(scale="quick")}, "No stored run has"),
    "another workload": ({ONE: changed(workload="a.py::other")}, "No stored run has"),
    "another batch size": ({ONE: changed(batch_size=64)}, "No stored run has"),
    "another CPU": (
        {ONE: changed(machine=msgspec.structs.replace(RECORD.machine, cpu="another"))},
        "NO_BASELINE",
    ),
    "a further test": ({ONE: RECORD, TWO: changed(workload="a.py::other")}, "No stored run has"),
}
"""Second runs of which not every test can be compared with one test, and what is said."""


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """Return a function that compares a run of other tests with one of ``ONE``.

    Afterwards, nothing but the files of the test may be there.
    """
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def run(tests, base=None):
        files = [tmp_path / "base.json", tmp_path / "run.json"]
        for file, records in zip(
            files, ({ONE: RECORD} if base is None else base, tests), strict=True
        ):
            save_run(file, records)
        return CliRunner().invoke(main, ["compare", *map(str, files)])

    yield run
    assert [*temporary.iterdir()] == []
    names = {path.name for path in tmp_path.iterdir()} - {"base.json", "run.json", "other.json"}
    assert names == {"temporary"}


def test_runs_whose_tests_were_all_compared_pass(compare):
    result = compare({ONE: RECORD})
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("way", NOT_COMPARED)
def test_a_run_that_was_not_compared_as_a_whole_is_not_green(compare, way):
    tests, message = NOT_COMPARED[way]
    result = compare(tests)
    assert result.exit_code == 2, result.output
    assert message in result.output


def test_a_baseline_without_a_test_is_not_green(compare):
    result = compare({}, base={})
    assert result.exit_code == 2, result.output


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", json.dumps({"benchmarks": [{"fullname": ONE, "extra_info": {}}]})],
    ids=["missing", "empty", "of another type", "without records"],
)
def test_a_file_without_records_is_not_green(compare, tmp_path, content):
    assert compare({ONE: RECORD}).exit_code == 0
    file = tmp_path / "other.json"
    if content is not None:
        file.write_text(content)
    for pair in ((file, tmp_path / "run.json"), (tmp_path / "base.json", file)):
        result = CliRunner().invoke(main, ["compare", *map(str, pair)])
        assert result.exit_code == 2, result.output
