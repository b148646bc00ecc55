"""The index of saved runs is rebuilt or bypassed, whatever has happened to it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest
from stored_records import record_of

from damages import DAMAGES, public_folder, unreadable
from sample_records import save_run
from traingate.baselines import index
from traingate.baselines.index import load_summaries

HOLD = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(monkeypatch):
    """Return a folder with a storage and a cache, which all users may enter."""
    with public_folder() as path:
        monkeypatch.setenv("XDG_CACHE_HOME", str(path / "cache"))
        monkeypatch.setattr(index, "_LOCK_SECONDS", 0.1)
        for number in range(2):
            save_run(path / "storage" / f"000{number}_a.json", {"bench.py::test_0": record_of(0.1)})
        yield path


@pytest.fixture
def database(folder):
    return folder / "cache" / "traingate" / "runs.sqlite"


def loaded(folder):
    """Return the summaries, which must be the same at the next start."""
    first = load_summaries(str(folder / "storage"), selection=True)
    assert load_summaries(str(folder / "storage"), selection=True) == first
    return first


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_changes_nothing(folder, database, damage):
    runs = loaded(folder)
    if "nested" in damage or damage in {"UTF-16", "not UTF-8"}:
        database.write_text('{"a": "b"}')  # these damages are of JSON
    DAMAGES[damage](database)
    assert loaded(folder) == runs


def test_each_bit_of_a_row_counts(folder, database):
    """SQLite has no checksums: a bit that flips on the disk would be another throughput."""
    runs = loaded(folder)
    content = bytearray(database.read_bytes())
    position = content.index(b"0.1", content.index(b"bench.py::test_0"))
    content[position] ^= 1  # 1.1 s instead of 0.1 s
    database.write_bytes(content)
    assert loaded(folder) == runs


def test_an_index_that_another_process_holds_is_bypassed(folder, database):
    runs = loaded(folder)
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        assert loaded(folder) == runs
        holder.kill()
    assert loaded(folder) == runs


@pytest.mark.parametrize("what", ["runs.sqlite", "traingate"])
def test_an_index_that_may_not_be_read_is_bypassed(folder, database, what):
    runs = loaded(folder)
    path = database if what == "runs.sqlite" else database.parent
    with unreadable(path):
        assert loaded(folder) == runs


def test_an_index_that_may_not_be_written_to_is_bypassed(folder, database):
    runs = loaded(folder)
    for path in (database, database.parent):
        path.chmod(0o444 if path == database else 0o555)
    save_run(folder / "storage" / "0002_a.json", {"bench.py::test_0": record_of(0.1)})
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        assert loaded(folder)[:2] == runs
    finally:
        os.seteuid(os.getuid())


@pytest.mark.parametrize("version", [0, 1, index._VERSION + 1, 2**31 - 1])
def test_an_index_of_another_version_is_made_anew(folder, database, version):
    runs = loaded(folder)
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE runs")
        connection.execute("CREATE TABLE runs (other TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    assert loaded(folder) == runs


@pytest.mark.parametrize("home", ["", "/dev/null", "/proc/1/nowhere"])
def test_without_a_place_for_the_index_all_files_are_read(folder, monkeypatch, home):
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    monkeypatch.setenv("HOME", "/dev/null")
    assert len(loaded(folder)) == 2


def test_a_full_disk_changes_nothing(folder):
    """The kernel refuses to write more than a few bytes, as it does where the disk ends."""
    program = (
        "import resource, sys; from traingate.baselines.index import load_summaries\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "print(len(load_summaries(sys.argv[1], True)))"
    )
    command = [sys.executable, "-c", program, str(folder / "storage")]
    assert subprocess.check_output(command, text=True) == "2\n"
    assert len(loaded(folder)) == 2
