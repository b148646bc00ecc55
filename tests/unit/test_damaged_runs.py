"""A damaged file is an error that names it, in bounded time and memory, and is left as it is."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from click.testing import CliRunner
from stored_records import record_of

from damages import DAMAGES, contents, edited, public_folder, unreadable
from sample_records import save_run
from traingate.baselines.index import load_summaries
from traingate.baselines.saved_runs import read_run
from traingate.cli import main
from traingate.errors import DamagedRecordError, NoRunError
from traingate.records.decoding import check_keys

COMMANDS = {
    "compare": ["compare", "0001", "0002"],
    "show": ["show"],
    "report": ["report"],
    "report as a page": ["report", "0002", "-o", "page.html"],
    "history": ["history", "storage"],
    "accept": ["accept", "--reason=why"],
}


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Return the newer one of two runs, in the folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    for number, day in (("0001_old", "21"), ("0002_new", "22")):
        path = tmp_path / "storage" / "Linux" / f"{number}.json"
        save_run(path, {"bench.py::test_0": record_of(0.1)})
        path.write_text(path.read_text().replace("2026-11-22", f"2026-11-{day}"))
    return path


@pytest.mark.parametrize("damage", DAMAGES)
def test_reading_a_damaged_run_is_an_error_that_names_it_in_bounded_memory(stored, damage):
    DAMAGES[damage](stored)
    tracemalloc.start()
    try:
        with pytest.raises(DamagedRecordError, match=r"0002_new.json is damaged: "):
            read_run(stored)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_newest_run_is_never_replaced_by_an_older_one(stored, damage):
    DAMAGES[damage](stored)
    for _ in range(2):  # without the index, and with it
        with pytest.raises(DamagedRecordError, match=r"0002_new.json"):
            load_summaries(str(stored.parents[1]), selection=True)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_no_command_goes_on_with_a_damaged_run_or_changes_anything(stored, damage, command):
    DAMAGES[damage](stored)
    before = contents(stored.parents[2])
    arguments = COMMANDS[command]
    storage = [] if command == "history" else ["--storage=storage"]
    result = CliRunner().invoke(main, [*arguments, *storage])
    assert (result.exit_code, type(result.exception)) == (2, SystemExit), result.output
    assert "0002_new.json" in result.stderr
    assert result.stdout == ""
    assert contents(stored.parents[2]) == before


def test_a_run_that_may_not_be_read_is_an_error():
    with public_folder() as folder:
        path = folder / "storage" / "Linux" / "0002_new.json"
        save_run(path, {"bench.py::test_0": record_of(0.1)})
        with unreadable(path), pytest.raises(DamagedRecordError, match=r"0002_new.*Permission"):
            read_run(path)


def test_a_folder_that_may_not_be_listed_is_an_error_and_not_passed_over():
    """It may hold the newest run: ``Path.glob`` leaves such a folder out in silence."""
    with public_folder() as folder:
        for name in ("Linux-3.11", "Linux-3.12"):
            save_run(folder / name / "0001_a.json", {"bench.py::test_0": record_of(0.1)})
        with unreadable(folder / "Linux-3.12"), pytest.raises(DamagedRecordError, match="Linux-3"):
            load_summaries(str(folder), selection=True)
        assert len(load_summaries(str(folder), selection=True)) == 2


@pytest.mark.parametrize("selection", ["a" * 5000, "0001\0", "/", "a**/b", "../../../etc/pass"])
def test_a_selection_that_is_no_name_of_a_file_matches_nothing(stored, selection):
    with pytest.raises(NoRunError):
        load_summaries(str(stored.parents[1]), selection)


@pytest.mark.parametrize("storage", ["nowhere", "a" * 5000, "a\0b", "storage/Linux/0001_old.json"])
def test_a_storage_that_is_no_folder_holds_no_run(stored, storage):
    with pytest.raises((NoRunError, DamagedRecordError)):
        load_summaries(storage, selection=True)


NUMBERS = {
    "a negative time": ("launches", 0, "step_seconds", 0, -0.1),
    "an infinite time": ("launches", 0, "step_seconds", 0, float("inf")),
    "NaN": ("launches", 0, "step_seconds", 0, float("nan")),
    "a time of zero": ("launches", 0, "step_seconds", 0, 0.0),
    "a time of no clock": ("launches", 0, "step_seconds", 0, 5e-324),
    "a time of ages": ("launches", 0, "gemm_seconds", 0, 1e300),
    "a text for a time": ("launches", 0, "step_seconds", 0, "0.1"),
    "a truth value for a time": ("launches", 0, "step_seconds", 0, True),
    "a negative rate": ("samples_per_second", -1.0),
    "an infinite rate": ("samples_per_second", float("-inf")),
    "a rate of nothing": ("samples_per_second", 1e308),
    "a negative batch": ("batch_size", -4),
    "no batch": ("batch_size", 0),
    "a huge batch": ("batch_size", 10**400),
    "no launch": ("launches", []),
    "a schema of the future": ("schema", 99),
    "a negative schema": ("schema", -1),
    "a schema of another type": ("schema", "7"),
    "a field of the future": ("colour", "red"),
    "variables that are a list": ("environment", {"variables": ["A=1"]}),
    "packages that are a text": ("environment", {"packages": "torch"}),
    "a torch that is a number": ("environment", {"torch": 2.8}),
    "sources without fields": ("environment", {"package_sources": {"a": "b"}}),
    "an environment that is null": ("environment", None),
    "an option of more than 64 bits": ("stack", 0, "options", {"seed": 2**64}),
    "a slowdown of everything": (
        "verdict",
        {"outcome": "REGRESSED", "tolerance_percent": 5.0, "slowdown_percent": 100.0,
         "samples_per_second": 1.0, "baseline_samples_per_second": 1.0},
    ),
    "a slowdown without rates": (
        "verdict", {"outcome": "REGRESSED", "tolerance_percent": 5.0, "slowdown_percent": 9.0}
    ),
}  # fmt: skip
"""Paths in a record, each followed by the value to put there."""


@pytest.mark.parametrize("name", NUMBERS)
def test_a_record_with_values_that_no_measurement_has_is_damaged(stored, name):
    *path, last, value = NUMBERS[name]

    def change(record):
        for key in path:
            record = record[key]
        record[last] = value

    edited(stored, change)
    with pytest.raises(DamagedRecordError, match=r"0002_new\.json: bench\.py::test_0"):
        load_summaries(str(stored.parents[1]), selection=True)


@pytest.mark.parametrize("depth", [101, 200, 900, 1500, 5000])
@pytest.mark.parametrize("path", [("environment",), ("stack", 0, "options")])
def test_a_record_with_a_value_that_is_nested_deeply_is_damaged(stored, path, depth):
    """Functions that call themselves for each level would end in a traceback."""

    def change(record):
        for key in path:
            record = record[key]
        record["other"] = "DEEP"

    edited(stored, change)
    stored.write_text(stored.read_text().replace('"DEEP"', "[" * depth + "]" * depth))
    with pytest.raises(DamagedRecordError, match=r"0002_new.json.* nested too deeply"):
        read_run(stored)


def test_numbers_that_are_only_shown_may_be_any(stored):
    """A layer of the user's own may take any seed, and any other number."""
    options = {"seed": 2**64 - 1, "eps": 1e-38, "large": 1e300, "deep": [[[1]]]}

    def change(record):
        record["stack"][0]["options"] = options
        record["environment"]["other"] = {"number": -(2**63), "small": 5e-324}

    edited(stored, change)
    (run,) = [run for run in load_summaries(str(stored.parents[1]), True) if run.path == stored]
    assert run.tests[0].environment["other"]["number"] == -(2**63)
    assert read_run(stored).measurements[0][1].stack[0].options == options
    for command in ("show", "report", "report as a page"):
        result = CliRunner().invoke(main, [*COMMANDS[command], "--storage=storage"])
        assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("key", "values", "count"),
    [
        (b"other", b"{},", 8_000_001),
        (b"step_seconds", b"0,", 16_000_001),
        (b"nested lists", b"[" * 400 + b"]" * 400 + b",", 40_000),
        (b"nested objects", b'{"a":' * 400 + b"0" + b"}" * 400 + b",", 40_000),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) and len(value) < 20 else "",
)
def test_a_small_file_of_very_many_values_is_refused_before_they_fill_the_memory(
    stored, key, values, count
):
    stored.write_bytes(b'{"benchmarks": [{"%s": [' % key + values * count + b"0]}]}")
    tracemalloc.start()
    try:
        with pytest.raises(DamagedRecordError, match=r"0002_new.json.* 16,000,000 values"):
            read_run(stored)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * stored.stat().st_size


TWICE = {
    "a text of a record": ('"scale": ', '"scale": "seed", "scale": ', "scale"),
    "times of a launch": ('"step_seconds": ', '"step_seconds": [1.0], "step_seconds": ', "step_seconds"),
    "a number of a launch": (
        '"first_step_seconds": ', '"first_step_seconds": 1.0, "first_step_seconds": ', "first_step_seconds",
    ),
    "the record": ('"traingate": {', '"traingate": {"schema": 1}, "traingate": {', "traingate"),
    "the benchmarks": ('"benchmarks": ', '"benchmarks": [], "benchmarks": ', "benchmarks"),
    "another form of the key": ('"scale": ', '"sc\\u0061le": "seed", "scale": ', "scale"),
    "what another tool has added": ('"benchmarks": ', '"tool": [{"a": 1, "a": 2}], "benchmarks": ', "a"),
}  # fmt: skip
"""Beginnings of values, the same with another value of the same key before it, and the key."""


@pytest.mark.parametrize("place", TWICE)
def test_a_key_that_stands_twice_is_damage_that_is_named(stored, place):
    """One of the values would gate in silence, as after a merge that has left both."""
    beginning, twice, key = TWICE[place]
    text = stored.read_text()
    assert beginning in text
    stored.write_text(text.replace(beginning, twice, 1))
    json.loads(stored.read_text())  # which is all that pytest-benchmark does
    with pytest.raises(DamagedRecordError, match=rf"0002_new.json.* has the key '{key}' twice"):
        read_run(stored)
    for _ in range(2):  # without the index, and with it
        with pytest.raises(DamagedRecordError, match=rf"0002_new.json.*'{key}' twice"):
            load_summaries(str(stored.parents[1]), selection=True)


def test_keys_that_differ_in_a_list_of_numbers_are_two_keys(stored):
    text = stored.read_text().replace(
        '"benchmarks": ', '"a[1]": 1, "a[2, 3]": 1, "benchmarks": ', 1
    )
    stored.write_text(text)
    assert read_run(stored).measurements


def test_looking_for_keys_takes_little_more_memory_than_the_text(tmp_path):
    path = tmp_path / "storage" / "Linux" / "0001_many.json"
    save_run(path, {f"bench.py::test_{number}": record_of(0.1) for number in range(100)})
    text = path.read_bytes()
    check_keys(b"{}")
    tracemalloc.start()
    try:
        check_keys(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)


def test_a_run_without_a_date_beside_others_is_damaged(stored):
    """It would be taken for the oldest, and an older one for the newest."""
    text = stored.read_text().replace('"datetime": "2026-11-22T10:00:00"', '"datetime": ""')
    stored.write_text(text)
    assert read_run(stored).measurements
    with pytest.raises(DamagedRecordError, match=r"0002_new.json.* no date"):
        load_summaries(str(stored.parents[1]), selection=True)


@pytest.mark.parametrize("date", ["tomorrow", "99999", "2026-13-40T10:00:00"])
def test_a_run_with_a_date_that_is_none_is_damaged(stored, date):
    stored.write_text(stored.read_text().replace("2026-11-22T10:00:00", date))
    with pytest.raises(DamagedRecordError, match=r"0002_new.json"):
        read_run(stored)


@pytest.mark.parametrize(
    "name",
    ["with spaces", "línea\nnueva", "日本語", "\udcff\udcfe", "-c", "--upload-pack=x", "a'b\"c"],
)
def test_paths_may_have_any_names(stored, name, monkeypatch):
    folder = stored.parents[1].rename(stored.parents[1].with_name(name))
    path = folder / "Linux" / f"0003_{name}.json"
    stored = folder / "Linux" / stored.name
    path.write_text(stored.read_text().replace("2026-11-22", "2026-11-23"))
    for _ in range(2):
        assert load_summaries(str(folder), selection=True)[-1].path == path
    result = CliRunner().invoke(main, ["show", f"--storage={folder}"])
    assert result.exit_code == 0, result.output
    path.write_text("{")
    result = CliRunner().invoke(main, ["show", f"--storage={folder}"])
    assert result.exit_code == 2
    assert "0003_" in result.stderr
    assert result.stderr.startswith("traingate: ")
