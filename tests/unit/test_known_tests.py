"""Test which tests the stored runs hold, so that a session notices those that it does not measure."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from sample_records import HARDWARE, measurement
from simulated_launches import launch
from traingate.baselines.known_tests import known_tests
from traingate.baselines.run_files import may_hold_records
from traingate.baselines.saved_runs import SavedRun, read_run
from traingate.baselines.subject import Subject
from traingate.baselines.summaries import summarise
from traingate.errors import DamagedRecordError

OTHER = msgspec.structs.replace(HARDWARE, cores=8)


def run(title, *tests, missing=(), allowed=(), commit=None, **changes):
    """Return a saved run that has a record of each of these tests."""
    records = tuple((test, measurement([launch([0.1])], **changes)) for test in tests)
    return summarise(SavedRun(Path(title), title, title, commit, records, missing, allowed))


def names(*runs, used=()):
    return known_tests(runs, "quick", HARDWARE, used)


def test_the_tests_of_the_newest_run_are_known():
    assert names(run("1", "a", "gone"), run("2", "a", "b")) == {"a": "2", "b": "2"}
    assert names() == {}


def test_the_tests_of_a_run_that_is_a_baseline_are_known():
    partial, full = run("2", "a"), run("1", "a", "b", "c")
    used = {full.path}
    assert names(full, partial, used=used) == {"a": "2", "b": "1", "c": "1"}


def test_a_run_of_another_machine_or_scale_is_not_the_newest():
    runs = run("1", "a"), run("2", "b", machine=OTHER), run("3", "c", scale="smoke")
    assert names(*runs) == {"a": "1"}


def test_without_a_run_of_this_machine_the_newest_of_a_clean_commit_counts():
    clean = run("1", "a", "b", machine=OTHER, commit="abc")
    runs = clean, run("2", "c", machine=OTHER), run("3", "d", scale="smoke", commit="abc")
    assert names(*runs) == {"a": "1", "b": "1"}
    assert names(*runs, run("4", "e")) == {"e": "4"}


def test_without_any_run_that_could_be_compared_the_newest_counts():
    assert names(run("1", "a", machine=OTHER), run("2", "b", scale="smoke")) == {"b": "2"}
    assert names(run("1", "a", machine=OTHER), run("2")) == {"a": "1"}


def test_a_run_of_another_machine_that_is_a_baseline_counts():
    other = run("1", "a", "b", machine=OTHER)
    assert names(other, used={other.path}) == {"a": "1", "b": "1"}


def test_a_test_that_a_run_lacks_is_known_until_it_is_allowed_to_be_missing():
    lacking = run("2", "a", missing=("gone",))
    assert names(lacking) == {"a": "2", "gone": "2"}
    allowing = run("3", "a", allowed=("gone",))
    assert names(lacking, allowing, used={lacking.path}) == {"a": "3"}
    again = run("4", "a", "gone")
    assert names(lacking, allowing, again) == {"a": "4", "gone": "4"}


SUBJECT = Subject("bench.py::tiny", measurement([launch([0.1])]).stack, "quick", 16)


def write(folder, **content):
    path = folder / "0001_base.json"
    path.write_text(json.dumps({"benchmarks": [], **content}))
    return path


def test_the_tests_that_a_run_lacks_are_read_from_its_file(tmp_path):
    lacking = {"missing_tests": ["a"], "allowed_missing_tests": ["b"]}
    saved_run = read_run(write(tmp_path, traingate=lacking))
    assert (saved_run.missing_tests, saved_run.allowed_missing_tests) == (("a",), ("b",))
    with pytest.raises(DamagedRecordError, match="missing_tests"):
        read_run(write(tmp_path, traingate={"missing_tests": "a"}))


@pytest.mark.parametrize(
    ("content", "selection", "expected"),
    [
        ({"benchmarks": [{"extra_info": {"traingate": {}}}]}, True, True),
        ({"benchmarks": [{"extra_info": {"traingate": {}}}]}, "0002", None),
        ({"benchmarks": [{"extra_info": {}}]}, True, False),
    ],
)
def test_files_of_other_benchmarks_mention_no_records(tmp_path, content, selection, expected):
    write(tmp_path, **content)
    assert may_hold_records(f"file://{tmp_path}", selection) is expected
    assert may_hold_records(f"{tmp_path}/nowhere", selection) is None
    assert may_hold_records("elasticsearch+https://host/index", selection) is None
