"""Runs are found whatever their numbers are, and no number is given twice."""

from __future__ import annotations

import json
import os

import pytest
from pytest_benchmark.storage.file import FileStorage
from pytest_benchmark.utils import get_machine_id
from stored_records import record_of

from sample_records import save_run
from traingate.baselines.index import load_summaries
from traingate.baselines.run_files import check_compared_files, run_number, select_files
from traingate.baselines.run_saving import check_next_number
from traingate.errors import BaselineError, DamagedRecordError, NoRunError

MACHINE = get_machine_id()


class Config:
    """Configuration of a session with these options alone."""

    def __init__(self, **options):
        self._options = options

    def getoption(self, name, default):
        return self._options.get(name, default)


SAVING = Config(benchmark_save="a")


def save(folder, *names):
    """Save runs, each a day after the one before."""
    for day, name in enumerate(names, 1):
        path = folder / f"{name}.json"
        save_run(path, {"bench.py::test_0": record_of(0.1)})
        path.write_text(path.read_text().replace("2026-11-22", f"2026-11-{day:02}"))


def test_the_newest_run_is_found_after_the_number_9999(tmp_path):
    save(tmp_path / MACHINE, "9998_a", "9999_a", "10000_b", "123456_c")
    files = select_files(str(tmp_path), selection=True)
    assert [file.name for file in files] == [
        "9998_a.json", "9999_a.json", "10000_b.json", "123456_c.json"
    ]  # fmt: skip
    assert load_summaries(str(tmp_path), selection=True)[-1].path.name == "123456_c.json"


def test_pytest_benchmark_goes_on_with_a_number_that_it_does_not_find_again(tmp_path):
    """If it did, nothing here would be needed."""
    save(tmp_path / MACHINE, "9999_a", "10000_b")
    storage = FileStorage(tmp_path, None, MACHINE)
    assert storage._next_num == "10000"
    with pytest.raises(AssertionError):
        storage.save({}, "b")


@pytest.mark.parametrize(
    "name", ["\N{ARABIC-INDIC DIGIT THREE}" * 4 + "_a", "001_a", "12345", "a_0001"]
)
def test_other_names_are_no_numbers_of_runs(tmp_path, name):
    save(tmp_path, name)
    assert run_number(tmp_path / f"{name}.json") is None
    with pytest.raises(NoRunError):
        select_files(str(tmp_path), selection=True)


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        ("1000", ["1000_a.json"]),
        (f"{MACHINE}/1000", ["1000_a.json"]),
        ("1000_", ["1000_a.json"]),
        ("1000*", ["1000_a.json", "10000_b.json", "10001_c.json"]),
        ("10000", ["10000_b.json"]),
        ("100", ["1001.json", "1000_a.json", "10000_b.json", "10001_c.json"]),
        ("1001", ["1001.json"]),
    ],
)
def test_a_number_is_not_the_start_of_a_longer_one(tmp_path, selection, names):
    save(tmp_path / MACHINE, "1000_a", "10000_b", "10001_c")
    save(tmp_path / MACHINE, "1001")
    files = select_files(str(tmp_path), selection)
    assert [file.name for file in files] == names


@pytest.mark.parametrize("folder", [".", MACHINE])
@pytest.mark.parametrize("option", ["benchmark_save", "benchmark_autosave"])
def test_no_run_is_saved_after_the_last_number(tmp_path, folder, option):
    save(tmp_path / folder, "0001_a", "9999_a", "10000_b")
    with pytest.raises(BaselineError, match=r"9999_a.json is there.*--benchmark-storage"):
        check_next_number(Config(**{option: "c"}), f"file://{tmp_path}")


@pytest.mark.parametrize(
    ("root", "machine", "number"),
    [(["20261122_nightly"], ["0001_a"], 2), ([], ["0001_a", "10000_b"], 2), (["9999_a"], ["0003_b"], 4)],
)  # fmt: skip
def test_a_session_that_pytest_benchmark_can_save_is_not_refused(tmp_path, root, machine, number):
    save(tmp_path, *root)
    save(tmp_path / MACHINE, *machine)
    check_next_number(SAVING, str(tmp_path))
    assert FileStorage(tmp_path, None, MACHINE)._next_num == f"{number:04}"


def test_a_file_that_pytest_benchmark_reads_beside_the_named_run_is_looked_at(tmp_path):
    save(tmp_path, "1000_a")
    os.mkfifo(tmp_path / "10000_b.json")
    with pytest.raises(DamagedRecordError, match=r"10000_b\.json.*a FIFO"):
        check_compared_files(str(tmp_path), "1000")


def test_a_folder_that_looks_like_a_number_names_the_runs_in_it(tmp_path):
    save(tmp_path / "1234567", "a")
    (file,) = select_files(str(tmp_path), "1234567/")
    assert file.name == "a.json"


def test_the_last_number_can_be_saved(tmp_path):
    save(tmp_path / MACHINE, "9998_a", "notes_99999")
    check_next_number(SAVING, str(tmp_path))
    storage = FileStorage(tmp_path, type("Logger", (), {"info": print}), MACHINE)
    storage.save(json.loads((tmp_path / MACHINE / "9998_a.json").read_text()), "a")
    with pytest.raises(BaselineError, match=r"9999_a.json is there"):
        check_next_number(SAVING, str(tmp_path))


@pytest.mark.parametrize(
    "options",
    [{}, {"benchmark_save": "a", "benchmark_skip": True}, {"benchmark_save": "a", "benchmark_disable": True},
     {"benchmark_json": "a"}],
)  # fmt: skip
def test_a_session_that_saves_nothing_is_not_refused(tmp_path, options):
    save(tmp_path, "9999_a")
    check_next_number(Config(**options), str(tmp_path))


@pytest.mark.parametrize("storage", ["elasticsearch+https://host/index", "nowhere"])
def test_a_storage_without_files_has_a_number_left(tmp_path, monkeypatch, storage):
    monkeypatch.chdir(tmp_path)
    check_next_number(SAVING, storage)


def test_runs_of_other_versions_of_python_have_numbers_of_their_own(tmp_path):
    save(tmp_path / "Linux-CPython-3.1-64bit", "9999_a")
    check_next_number(SAVING, str(tmp_path))
