"""Keep an index of saved runs, so that thousands of files are not read at each start.

The files are the truth. The index has a summary of each in an SQLite database in the user's cache
folder, with the file's size and times. A file that differs in these is read again, and an index
that is damaged, or of another version, is made anew. Without a folder to write to, all files are
read.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from traingate.baselines.run_files import select_files
from traingate.baselines.saved_runs import read_run
from traingate.baselines.summaries import LaunchSummary, RunSummary, TestSummary, summarise
from traingate.errors import DamagedRecordError
from traingate.host.user_folders import user_cache_folder
from traingate.records import SCHEMA, Hardware, LayerRecord, Outcome

_VERSION: Final = 1000 * SCHEMA + 2
"""Version of the index: that of the records, and that of the summaries of them."""

_LOCK_SECONDS: Final = 10.0
"""Longest wait for another process that writes to the index; after that, all files are read."""

_FILES_PER_COMMIT: Final = 50
"""Number of files after which what was read is written, so that an interruption loses little."""

_TABLES: Final = """
CREATE TABLE runs (
    path BLOB PRIMARY KEY, stamp TEXT NOT NULL, content BLOB NOT NULL, digest TEXT NOT NULL
);
CREATE TABLE shared (digest TEXT PRIMARY KEY, content BLOB NOT NULL);
"""

_DAMAGED_ROW: Final = "the index has a damaged row"

Progress: TypeAlias = Callable[[int, int], None]
"""Function that is called with the number of files that were read, and of those to read."""


class _TestRow(Struct, array_like=True, frozen=True):
    """``TestSummary`` with the digests of machine and environment, which many tests share."""

    test: str
    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int
    environment_name: str
    yardstick: str
    machine: str
    environment: str
    steps: int
    launches: tuple[LaunchSummary, ...]
    outcome: Outcome | None
    failed: bool
    accepted: str | None


class _RunRow(Struct, array_like=True, frozen=True):
    """``RunSummary`` without its path."""

    title: str
    saved_at: str
    commit: str | None
    tests: tuple[_TestRow, ...]
    missing_tests: tuple[str, ...]
    allowed_missing_tests: tuple[str, ...]


def load_summaries(
    storage: str, selection: str | bool, progress: Progress | None = None
) -> tuple[RunSummary, ...]:
    """Return the summaries of the runs that ``--benchmark-compare`` names, oldest first.

    Args:
        storage: Value of ``--benchmark-storage``: a path, or ``file://PATH``.
        selection: True for all runs, else the path of a file or the start of its name: a number
            or ``number_name``, optionally preceded by the platform's folder.
        progress: Function that is told how many of the files that are not in the index were read.

    Raises:
        BaselineError: If *storage* is a URL of another kind than ``file://``.
        NoRunError: If there is no run, or none that the selection names.
        DamagedRecordError: If a file cannot be read; the message names it.
    """
    files = select_files(storage, selection)
    try:
        summaries = _indexed_summaries(files, progress)
    except (sqlite3.Error, OSError):  # no folder to write to, or another process writes for long
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            _create_tables(database)
            summaries = _summaries(files, database, progress)
    with_tests = [run for run in summaries if run.tests]
    for run in with_tests if len(with_tests) > 1 else ():
        if not run.saved_at:
            raise DamagedRecordError.of(
                run.path, "it has no date, by which the newest run is found"
            )
    # Numbers do not order runs: there is a folder for each Python version, and each folder counts
    # from 0001 on.
    return tuple(sorted(summaries, key=lambda run: run.saved_at))


def _indexed_summaries(files: Sequence[Path], progress: Progress | None) -> list[RunSummary]:
    """Return the summaries of files; make the index anew if it is damaged.

    Raises:
        sqlite3.Error, OSError: If the index cannot be written.
    """
    path = user_cache_folder() / "runs.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.closing(_open(path)) as database:
            return _summaries(files, database, progress)
    except sqlite3.OperationalError:
        raise  # locked, or not writable
    # Python fails to decode messages of SQLite that quote a damaged name.
    except (sqlite3.DatabaseError, msgspec.MsgspecError, UnicodeDecodeError):
        path.unlink(missing_ok=True)
    with contextlib.closing(_open(path)) as database:
        return _summaries(files, database, progress)


def _open(path: Path) -> sqlite3.Connection:
    """Return the index; its tables are made if it has none of this version."""
    database = sqlite3.connect(path, timeout=_LOCK_SECONDS)
    # A damaged digest fits nothing then, where an error would look as if the index were locked.
    database.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
    try:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if version != _VERSION or not names >= {"runs", "shared"}:
            _make_anew(database)
    except BaseException:
        database.close()
        raise
    return database


def _make_anew(database: sqlite3.Connection) -> None:
    """Make the tables of this version, unless another process has just done so."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        if version == _VERSION and names >= {"runs", "shared"}:
            return
        for table in ("runs", "shared"):
            database.execute(f"DROP TABLE IF EXISTS {table}")
        _create_tables(database)


def _create_tables(database: sqlite3.Connection) -> None:
    for statement in filter(str.strip, _TABLES.split(";")):
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {_VERSION}")


def _summaries(
    files: Sequence[Path], database: sqlite3.Connection, progress: Progress | None
) -> list[RunSummary]:
    """Return the summaries of files; read those that the database lacks, and add them to it."""
    stamps = {file: _stamp(file) for file in files}
    rows = dict(_stored_rows(database, stamps))
    missing = [path for path in stamps if path not in rows]
    if missing:
        _remove_vanished(database)
    for start in range(0, len(missing), _FILES_PER_COMMIT):
        with database:
            for number, path in enumerate(missing[start : start + _FILES_PER_COMMIT], start + 1):
                _store(database, path, stamps[path], summarise(read_run(path)))
                if progress is not None:
                    progress(number, len(missing))
    # Rows share their machines and environments, which summaries of files do not.
    rows |= dict(_stored_rows(database, {path: stamps[path] for path in missing}))
    if len(rows) < len(stamps):
        raise sqlite3.OperationalError("another process has changed the index")
    shared = _shared_values(database, rows.values())
    return [_summary(path, rows[path], shared) for path in stamps]


def _remove_vanished(database: sqlite3.Connection) -> None:
    """Remove the rows of files that are no longer there."""
    with database:
        for (path,) in database.execute("SELECT path FROM runs").fetchall():
            if not isinstance(path, bytes):
                raise sqlite3.DatabaseError(_DAMAGED_ROW)
            if not Path(os.fsdecode(path)).exists():
                database.execute("DELETE FROM runs WHERE path = ?", (path,))


def _key(file: Path) -> bytes:
    """Return the absolute path of a file, whose name may be any bytes."""
    return os.fsencode(file.resolve())


def _stamp(file: Path) -> str:
    """Return a text that differs after the file was written or replaced.

    Raises:
        DamagedRecordError: If the file is gone, or a link to nowhere.
    """
    try:
        status = file.stat()
    except OSError as error:
        raise DamagedRecordError.of(file, error) from error
    parts = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    return " ".join(map(str, parts))


def _stored_rows(
    database: sqlite3.Connection, stamps: Mapping[Path, str]
) -> Iterator[tuple[Path, _RunRow]]:
    """Yield the rows of the files that have not changed since they were read."""
    decoder = msgspec.json.Decoder(_RunRow)
    for path, stamp in stamps.items():
        row = database.execute(
            "SELECT content, digest FROM runs WHERE path = ? AND stamp = ?", (_key(path), stamp)
        ).fetchone()
        if row is not None:
            yield path, decoder.decode(_checked(*row))


def _store(database: sqlite3.Connection, path: Path, stamp: str, run: RunSummary) -> None:
    tests = tuple(
        _TestRow(
            **{name: getattr(test, name) for name in _PLAIN_FIELDS},
            machine=_store_shared(database, test.machine),
            environment=_store_shared(database, test.environment),
        )
        for test in run.tests
    )
    row = _RunRow(
        run.title, run.saved_at, run.commit, tests, run.missing_tests, run.allowed_missing_tests
    )
    content = msgspec.json.encode(row)
    values = (_key(path), stamp, content, _digest(content))
    database.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", values)


def _store_shared(database: sqlite3.Connection, value: Any) -> str:
    content = msgspec.json.encode(value, order="sorted")
    digest = _digest(content)
    database.execute("INSERT OR IGNORE INTO shared VALUES (?, ?)", (digest, content))
    return digest


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _checked(content: bytes, digest: str) -> bytes:
    """Return the content of a row; raise DatabaseError if it is not what was written."""
    if not isinstance(content, bytes) or _digest(content) != digest:
        raise sqlite3.DatabaseError(_DAMAGED_ROW)
    return content


_PLAIN_FIELDS: Final = frozenset(_TestRow.__struct_fields__) - {"machine", "environment"}


def _shared_values(database: sqlite3.Connection, rows: Iterable[_RunRow]) -> dict[str, Any]:
    """Return the machines and environments of these rows, by their digests."""
    machines = {test.machine for row in rows for test in row.tests}
    environments = {test.environment for row in rows for test in row.tests}
    types = {**dict.fromkeys(environments, dict[str, Any]), **dict.fromkeys(machines, Hardware)}
    values: dict[str, Any] = {}
    for digest, kind in types.items():
        row = database.execute("SELECT content FROM shared WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise sqlite3.DatabaseError("the index lacks a value that its runs share")
        values[digest] = msgspec.json.decode(_checked(row[0], digest), type=kind)
    return values


def _summary(path: Path, row: _RunRow, shared: Mapping[str, Any]) -> RunSummary:
    tests = tuple(
        TestSummary(
            **{name: getattr(test, name) for name in _PLAIN_FIELDS},
            machine=shared[test.machine],
            environment=shared[test.environment],
        )
        for test in row.tests
    )
    missing = row.missing_tests, row.allowed_missing_tests
    return RunSummary(path, row.title, row.saved_at, row.commit, tests, *missing)
