"""Statistics of a stored run that are damaged: pytest-benchmark's own code reads what is kept."""

from __future__ import annotations

import copy
import json
from functools import partial
from pathlib import Path

import pytest
from pytest_benchmark import utils
from pytest_benchmark.plugin import (
    pytest_benchmark_compare_machine_info,
    pytest_benchmark_group_stats,
    pytest_benchmark_scale_unit,
)
from pytest_benchmark.stats import Stats, normalize_stats
from pytest_benchmark.table import TableResults

from traingate.baselines.compared_run import keep_what_can_be_shown, statistics_error

NAME = "test_a.py::test_a[1]"
GROUPINGS = "group,name,func,fullname,fullfunc,param,param:size"
SORTS = ["min", "max", "mean", "stddev", "name", "fullname"]
FIELDS = ["min", "max", "mean", "median", "stddev", "iqr"]
DAMAGED_VALUES = {
    "a huge integer": 10**400,
    "a large integer": 10**30,
    "a large number": 1e300,
    "infinite": float("inf"),
    "negative and infinite": float("-inf"),
    "NaN": float("nan"),
    "a text": "1.0",
    "null": None,
    "a truth value": True,
    "a list": [1.0],
    "an object": {"a": 1.0},
    "missing": ...,
}
READ = [*FIELDS, "ops", "rounds", "iterations", "q1", "q3", "ld15iqr", "hd15iqr"]


def statistics():
    """Return the statistics that pytest-benchmark saves."""
    stats = Stats()
    for seconds in (0.1, 0.2, 0.3, 0.15):
        stats.update(seconds)
    return {**stats.as_dict(), "iterations": 1}


def run_of(**changes):
    stats = {**statistics(), **changes}
    stats = {name: value for name, value in stats.items() if value is not ...}
    of_test = {"fullname": NAME, "name": "test_a[1]", "stats": stats, "extra_info": {}}
    return {"benchmarks": [of_test], "machine_info": {"cpu": "a"}, "commit_info": {}}


class Terminal:
    """Writer of pytest-benchmark's table."""

    def __init__(self):
        self.text = ""

    def write(self, text, **_markup):
        self.text += text

    write_line = rewrite = write


def table_of(run):
    """Return the table of each order, beside a benchmark of this session, as pytest-benchmark makes it.

    All that it reads of a stored run is in here; ``BenchmarkSession.prepare_benchmarks`` combines
    both in this way.
    """
    present = {
        "fullname": NAME, "name": "test_a[1]", "group": None, "param": "1", "params": {"size": 1},
        "options": {}, "extra_info": {},
    }  # fmt: skip
    stored = {benchmark["fullname"]: benchmark for benchmark in run["benchmarks"]}
    rows = [{**present, **statistics(), "path": None, "source": "NOW"}]
    if NAME in stored:
        rows.append({**present, **stored[NAME]["stats"], "path": "a", "source": "0001_a"})
        for field in FIELDS:
            utils.parse_compare_fail(f"{field}:5%").fails(rows[0], rows[1])
            utils.parse_compare_fail(f"{field}:0.001").fails(rows[0], rows[1])
            assert rows[1][field] == rows[1][field]  # else no limit is ever exceeded
    for row in rows:  # make_plot of its histogram, which needs a package of its own
        assert (
            int(row["min"] * 1e9) <= int(max(row["max"], row["hd15iqr"]) * 1e9 + 1) or row["path"]
        )
        assert all(row[field] * 1e9 is not None for field in ("ld15iqr", "q1", "median", "q3"))
    terminal = Terminal()
    for sort in SORTS:
        groups = pytest_benchmark_group_stats(None, copy.deepcopy(rows), GROUPINGS)
        table = TableResults(
            utils.DEFAULT_COLUMNS, sort, None, utils.NAME_FORMATTERS["long"], None,
            partial(pytest_benchmark_scale_unit, config=None),
        )  # fmt: skip
        table.display(terminal, groups, progress_reporter=utils.report_noprogress)
    return terminal.text


def test_statistics_of_pytest_benchmark_are_all_kept():
    run = run_of()
    kept = copy.deepcopy(run)
    assert keep_what_can_be_shown(kept, {}) == []
    assert kept == run
    assert "0001_a" in table_of(kept)


@pytest.mark.parametrize("damage", DAMAGED_VALUES)
@pytest.mark.parametrize("name", READ)
def test_a_benchmark_with_a_damaged_statistic_has_no_row(name, damage):
    run = run_of(**{name: DAMAGED_VALUES[damage]})
    assert keep_what_can_be_shown(run, {}) == [NAME]
    assert "0001_a" not in table_of(run)


@pytest.mark.parametrize(
    "outliers",
    ["", "1", "1;2;3", "\N{ARABIC-INDIC DIGIT THREE};1", "9" * 10**6 + ";1", "1;2\n", 3, None],
    ids=range(8),
)
def test_outliers_are_two_short_numbers(outliers):
    run = run_of(outliers=outliers)
    assert keep_what_can_be_shown(run, {}) == [NAME]
    assert "0001_a" not in table_of(run)


@pytest.mark.parametrize("value", [0, 0.0, -1.0, 5e-324, 2**62, -(2.0**63)])
@pytest.mark.parametrize("name", READ)
def test_any_other_number_is_shown(name, value):
    run = run_of(**{name: value})
    assert keep_what_can_be_shown(run, {}) == []
    assert "0001_a" in table_of(run)


@pytest.mark.parametrize(
    "field",
    ["name", "fullname", "group", "param", "params", "options", "extra_info", "path", "source",
     "has_error", "cprofile", "data", "stats", "other"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["\x1b]0;title\x07", None, [], {}, 1.0])
def test_statistics_replace_no_field_of_the_session(field, value):
    """pytest-benchmark copies all statistics over its own fields."""
    run = run_of(**{field: value})
    assert keep_what_can_be_shown(run, {}) == []
    assert run == run_of()


@pytest.mark.parametrize("name", ["total", "iqr_outliers", "stddev_outliers"])
@pytest.mark.parametrize("damage", DAMAGED_VALUES)
def test_statistics_that_nobody_reads_are_left_out_if_they_are_damaged(name, damage):
    run = run_of(**{name: DAMAGED_VALUES[damage]})
    assert keep_what_can_be_shown(run, {}) == []
    assert run == run_of(**{name: ...})
    assert "0001_a" in table_of(run)


def deep(levels):
    value = {}
    for _ in range(levels):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("info", [None, [], "a", 5, 400, 100_000])
def test_a_machine_that_is_none_does_not_stop_the_comparison_of_machines(info):
    run = run_of() | {"machine_info": deep(info) if isinstance(info, int) and info > 5 else info}
    keep_what_can_be_shown(run, {})
    assert run["machine_info"] == {}
    pytest_benchmark_compare_machine_info(None, None, {}, run)


def test_a_machine_is_kept_unless_the_run_is_of_traingate():
    run = run_of() | {"machine_info": deep(40)}
    keep_what_can_be_shown(run, {"cpu": "b"})
    assert run["machine_info"] == deep(40)
    run["benchmarks"][0]["extra_info"] = {"traingate": {}}
    keep_what_can_be_shown(run, {"cpu": "b"})
    assert run["machine_info"] == {"cpu": "b"}


@pytest.mark.parametrize("value", [None, 5, [], {}, {"fullname": None}, {"fullname": []}])
def test_a_benchmark_without_a_name_is_left_out(value):
    run = run_of() | {"benchmarks": [value]}
    assert keep_what_can_be_shown(run, {}) == ["a benchmark without name"]
    assert run["benchmarks"] == []


def test_an_error_names_the_newest_file_with_these_statistics(tmp_path):
    for number, run in enumerate([run_of(min=...), run_of(min=10**400), run_of()], 1):
        (tmp_path / f"{number:04}_a.json").write_text(json.dumps(run))
    (tmp_path / "0004_a.json").write_text("{")
    (tmp_path / "0005_a.json").write_text("[]")
    (tmp_path / "0006_a.json").mkdir()
    text = str(statistics_error([NAME], str(tmp_path), selection=True))
    assert f"{tmp_path}/0002_a.json is damaged: " in text
    assert NAME in text
    assert "0001_a.json" in str(statistics_error([NAME], str(tmp_path), "0001"))
    nowhere = str(Path(tmp_path, "nowhere"))
    assert nowhere in str(statistics_error([NAME], nowhere, selection=True))


def test_a_run_without_operations_per_second_gets_them_from_pytest_benchmark():
    """Releases before 3.1 saved none."""
    run = run_of(ops=...)
    normalize_stats(run["benchmarks"][0]["stats"])
    assert keep_what_can_be_shown(run, {}) == []
