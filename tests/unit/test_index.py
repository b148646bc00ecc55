"""Test the index of saved runs: the files are the truth, and each is read once."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from stored_records import FAILED, TEST, record_of

from traingate.baselines import index
from traingate.baselines.index import load_summaries
from traingate.errors import DamagedRecordError
from traingate.host.user_folders import user_cache_folder


@pytest.fixture
def read_files(monkeypatch, tmp_path):
    """Return a list of the files that are read in full, with an index of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    files = []
    read_run = index.read_run

    def note(path):
        files.append(path.name)
        return read_run(path)

    monkeypatch.setattr(index, "read_run", note)
    return files


@pytest.fixture
def database(read_files):
    return user_cache_folder() / "runs.sqlite"


def load(storage):
    return load_summaries(str(storage.folder), selection=True)


def test_a_file_is_read_once(storage, read_files):
    storage("0001_a", record_of(0.1))
    first = load(storage)
    storage("0002_b", record_of(0.2, verdict=FAILED))
    assert load(storage)[0] == first[0]
    assert load(storage)[1].tests[0].is_rejected
    assert read_files == ["0001_a.json", "0002_b.json"]


def test_an_indexed_run_is_the_same_as_one_that_was_read(storage, database):
    storage("0001_a", record_of(0.1), record_of(0.2))
    read = load(storage)
    assert load(storage) == read
    assert [test.test for test in read[0].tests] == [TEST, "bench.py::test_1"]
    assert read[0].tests[1].launches[0].seconds_per_step == pytest.approx(0.2)


def test_runs_in_the_same_environment_share_it(storage, database):
    for name in ("0001_a", "0002_b"):
        storage(name, record_of(0.1))
    load(storage)
    first, second = load(storage)
    assert first.tests[0].environment is second.tests[0].environment


def test_a_file_that_was_replaced_is_read_again(storage, read_files):
    path = storage("0001_a", record_of(0.1))
    load(storage)
    changed = path.with_suffix(".new")
    changed.write_text(path.read_text().replace("bench.py::test_0", "bench.py::test_9"))
    changed.replace(path)
    assert load(storage)[0].tests[0].test == "bench.py::test_9"
    assert len(read_files) == 2


def test_a_file_of_the_same_size_and_time_is_read_again(storage, read_files):
    path = storage("0001_a", record_of(0.1))
    load(storage)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text(path.read_text().replace("bench.py::test_0", "bench.py::test_9"))
    os.utime(path, ns=times)
    assert load(storage)[0].tests[0].test == "bench.py::test_9"


@pytest.mark.parametrize(
    "content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_damaged_index_is_made_anew(storage, read_files, database, content):
    storage("0001_a", record_of(0.1))
    load(storage)
    database.write_bytes(content)
    assert load(storage)[0].tests[0].test == TEST
    assert load(storage)[0].tests[0].test == TEST
    assert len(read_files) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE runs SET content = '[1, 2]'",
        "UPDATE shared SET content = 'x'",
        "UPDATE runs SET path = NULL",
        "UPDATE runs SET path = 5",
        "UPDATE runs SET path = 'text'",
        "UPDATE runs SET digest = CAST(x'ff' AS TEXT)",
        "UPDATE shared SET digest = CAST(x'ff' AS TEXT) WHERE rowid = 1",
        "DELETE FROM shared",
        "DROP TABLE shared",
        "PRAGMA user_version = 1",
    ],
)
def test_an_index_with_other_content_is_made_anew(storage, read_files, database, statement):
    storage("0001_a", record_of(0.1))
    load(storage)
    with sqlite3.connect(database) as connection:
        connection.execute(statement)
    connection.close()
    assert load(storage)[0].tests[0].test == TEST
    assert load(storage)[0].tests[0].test == TEST
    assert len(read_files) == 2


def test_an_index_with_a_damaged_name_of_a_table_is_made_anew(storage, read_files, database):
    storage("0001_a", record_of(0.1))
    load(storage)
    content = database.read_bytes()
    database.write_bytes(content.replace(b"CREATE TABLE runs (", b"CREATE\x80TABLE runs (", 1))
    assert load(storage)[0].tests[0].test == TEST
    assert load(storage)[0].tests[0].test == TEST
    assert len(read_files) == 2


def test_without_a_folder_to_write_to_all_files_are_read(storage, read_files, database):
    database.parent.parent.mkdir(parents=True)
    database.parent.write_text("a file is in the way")
    storage("0001_a", record_of(0.1))
    assert load(storage) == load(storage)
    assert len(read_files) == 2


def test_a_damaged_run_is_an_error_each_time_and_hides_no_other(storage, read_files):
    storage("0001_a", record_of(0.1))
    path = storage("0002_b", record_of(0.1))
    path.write_text(path.read_text()[:-20])
    for _ in range(2):
        with pytest.raises(DamagedRecordError, match="0002_b"):
            load(storage)
    path.unlink()
    assert len(load(storage)) == 1


def test_a_link_to_nowhere_is_an_error_that_names_it(storage, read_files):
    storage("0001_a", record_of(0.1))
    link = storage.folder / "0002_link.json"
    link.symlink_to(storage.folder / "nowhere")
    with pytest.raises(DamagedRecordError, match="0002_link"):
        load(storage)


def test_processes_that_start_at_once_share_one_index(storage, database):
    for number in range(20):
        storage(f"00{number:02}_a", record_of(0.1))
    program = (
        "import sys; from traingate.baselines.index import load_summaries\n"
        "print(len(load_summaries(sys.argv[1], True)))"
    )
    command = [sys.executable, "-c", program, str(storage.folder)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate()[0].strip() for process in processes] == ["20"] * 6
    assert len(load(storage)) == 20


def test_rows_of_files_that_are_gone_are_removed(storage, read_files, database):
    path = storage("0001_a", record_of(0.1))
    load(storage)
    path.unlink()
    storage("0002_b", record_of(0.1))
    load(storage)
    with sqlite3.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    connection.close()
    assert count == 1


def test_progress_is_told_for_the_files_that_are_read(storage, read_files):
    for number in range(3):
        storage(f"000{number}_a", record_of(0.1))
    calls = []
    load_summaries(str(storage.folder), True, lambda *counts: calls.append(counts))
    load_summaries(str(storage.folder), True, lambda *counts: calls.append(counts))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_names_may_be_any_bytes(tmp_path, read_files):
    folder = tmp_path / "storage \udcff é"
    folder.mkdir()
    file = folder / "0001_\udcfe.json"
    file.write_text(json.dumps({"benchmarks": []}))
    assert load_summaries(str(folder), True) == load_summaries(str(folder), True)
    assert read_files == [file.name]
    (run,) = load_summaries(str(folder), True)
    assert (run.path, run.title) == (Path(file), "0001_\\xfe.json")
