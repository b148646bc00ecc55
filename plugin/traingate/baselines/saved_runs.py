"""The runs that pytest-benchmark saved: listed, read, checked, and accepted.

The layout is pytest-benchmark's: ``STORAGE/MACHINE-ID/NNNN_name.json``. Its own loader
skips a damaged file with a warning and takes an older one; a gate must not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from traingate.errors import BaselineError, NoRunError
from traingate.records import (
    Acceptance,
    Measurement,
    damaged,
    from_json,
)

REMEDY = (
    "Save a baseline on this machine with --benchmark-save=NAME, or let this run pass without "
    "one by --traingate-on-missing=record."
)

_PREFIX = "file://"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class _ExtraInfo(Struct):
    traingate: msgspec.Raw = msgspec.Raw()  # empty where the benchmark is not ours


class _BenchmarkEntry(Struct):
    fullname: str
    extra_info: _ExtraInfo


class _RunFile(Struct):
    """What is read of pytest-benchmark's file; the rest of it is skipped."""

    benchmarks: list[_BenchmarkEntry]
    datetime: str = ""
    commit_info: dict[str, Any] = {}


@dataclass(frozen=True)
class SavedRun:
    """One saved run.

    Attributes:
        path: of the file.
        title: file name, date and commit, for a message.
        saved_at: date and time in ISO format; runs are in its order.
        commit: full name of the commit that was measured; None where nothing was committed, or
            the working tree was not just that.
        measurements: by the test's full name, in the file's order.
    """

    path: Path
    title: str
    saved_at: str
    commit: str | None
    measurements: tuple[tuple[str, Measurement], ...]


def load(storage: str, selection: str | bool) -> tuple[SavedRun, ...]:
    """Read the runs that ``--benchmark-compare`` names, oldest first.

    Args:
        storage: value of ``--benchmark-storage``: a path, or ``file://PATH``.
        selection: True for all runs, else a file, or how its name starts: a number or
            ``number_name``, with a platform's folder before it or not.

    Raises:
        NoRunError: if no run is there.
        DamagedRecordError: if a file cannot be read; the message names it.
    """
    if "://" in storage and not storage.startswith(_PREFIX):
        raise BaselineError(f"traingate compares with runs in files only, and not in {storage}")
    folder = Path(storage.removeprefix(_PREFIX))
    files = _select(folder, selection)
    if not files:
        sought = "No saved run" if selection is True else f"No saved run matches {selection!r}"
        raise NoRunError(f"{sought} in {folder}. {REMEDY}")
    # Each folder counts from 0001 on, so the numbers of two Python versions say nothing.
    return tuple(sorted(map(read, files), key=lambda run: run.saved_at))


def _select(folder: Path, selection: str | bool) -> list[Path]:
    if isinstance(selection, str) and Path(selection).is_file():
        return [Path(selection)]
    pattern = "[0-9][0-9][0-9][0-9]_" if selection is True else str(selection).rstrip("*")
    try:
        found = {*folder.glob(f"{pattern}*.json"), *folder.glob(f"*/{pattern}*.json")}
    except (ValueError, NotImplementedError) as error:  # an absolute or an empty pattern
        raise NoRunError(f"No saved run matches {selection!r}: {error}") from error
    return sorted(found, key=lambda file: (file.name, file.parent))


def read(path: Path) -> SavedRun:
    """The measurements in one file of pytest-benchmark's; its other benchmarks are skipped.

    Raises:
        DamagedRecordError: if the file or a record in it is not whole.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_RunFile)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(str(path), error) from error
    found = str(saved.commit_info.get("id") or "")
    details = [saved.datetime[:16].replace("T", " "), found[:9]]
    title = f"{path.name} ({', '.join(part for part in details if part)})"
    whole = _COMMIT.fullmatch(found) and not saved.commit_info.get("dirty")
    commit = found if whole else None
    return SavedRun(path, title, saved.datetime, commit, _measurements(path, saved.benchmarks))


def accept(path: Path, acceptance: Acceptance, tests: Collection[str] = ()) -> list[str]:
    """Let the failed records of a saved run serve as baselines all the same.

    Args:
        path: of the run; it is replaced at once, by a whole file.
        acceptance: somebody's word, kept in each record.
        tests: names, or how they end; all tests of the run by default.

    Returns:
        The full names of the tests whose records are now accepted.

    Raises:
        DamagedRecordError: if the file or a record in it is not whole.
        BaselineError: if no record of these tests has failed.
    """
    read(path)
    content = json.loads(path.read_bytes())
    accepted = []
    for benchmark in content["benchmarks"]:
        name = benchmark["fullname"]
        verdict = benchmark["extra_info"].get("traingate", {}).get("verdict") or {}
        wanted = not tests or any(name.endswith(test) for test in tests)
        if wanted and verdict.get("failed"):
            verdict["accepted"] = msgspec.to_builtins(acceptance)
            accepted.append(name)
    if not accepted:
        asked = f" of {', '.join(tests)}" if tests else ""
        raise BaselineError(f"{path} holds no failed record{asked}: there is nothing to accept.")
    whole = path.with_suffix(".accepting")
    whole.write_text(json.dumps(content, indent=4))
    whole.replace(path)
    return accepted


def _measurements(
    path: Path, benchmarks: Sequence[_BenchmarkEntry]
) -> tuple[tuple[str, Measurement], ...]:
    return tuple(
        (item.fullname, from_json(item.extra_info.traingate, f"{path}: {item.fullname}"))
        for item in benchmarks
        if bytes(item.extra_info.traingate)
    )
