"""List, read and check the runs that pytest-benchmark saved, and accept failed ones.

Runs are stored as ``STORAGE/MACHINE-ID/NNNN_name.json``, which is pytest-benchmark's layout.
Its own loader skips a damaged file with a warning and takes an older one. A gate must not: it
would compare with another baseline than the one that was chosen.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from traingate.baselines.run_files import MAX_RUN_BYTES
from traingate.baselines.test_names import is_named
from traingate.errors import BaselineError, DamagedRecordError
from traingate.records import Acceptance, Measurement, Outcome, decode, from_json
from traingate.records.decoding import TooManyValuesError, check_keys
from traingate.untrusted.files import read_bounded, write_atomically
from traingate.untrusted.locks import locked

_MAX_LENIENT_BYTES: Final = 64 << 20
"""Largest run that is read although it is not quite JSON."""

_SAVING_SECONDS: Final = 10.0
"""Longest wait for another process that saves or accepts a run."""

_SURROGATE = re.compile("[\ud800-\udfff]")

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class _ExtraInfo(Struct):
    """The field ``extra_info`` of a benchmark; *traingate* is empty for other benchmarks."""

    traingate: msgspec.Raw = msgspec.Raw()


class _BenchmarkEntry(Struct):
    """One benchmark in pytest-benchmark's file."""

    fullname: str
    extra_info: _ExtraInfo = msgspec.field(default_factory=_ExtraInfo)


class MissingTests(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tests that a saved run lacks, which pytest-benchmark's file holds as ``traingate``.

    Attributes:
        missing_tests: Full names of tests that had a baseline and were not compared.
        allowed_missing_tests: Full names of those that the user named.
    """

    missing_tests: tuple[str, ...] = ()
    allowed_missing_tests: tuple[str, ...] = ()


class _RunFile(Struct):
    """The fields that are read from pytest-benchmark's file; msgspec skips all others."""

    benchmarks: list[_BenchmarkEntry]
    datetime: str = ""
    commit_info: dict[str, Any] = {}
    traingate: MissingTests = MissingTests()


@dataclass(frozen=True)
class SavedRun:
    """One saved run.

    Attributes:
        path: Path of the file.
        title: File name, date and commit, for messages.
        saved_at: Date and time in ISO format, by which runs are sorted.
        commit: Full name of the commit that was measured; None if there was no commit, or if
            the working tree differed from it.
        measurements: Pairs of a test's full name and its measurement, in the file's order.
        missing_tests, allowed_missing_tests: Fields of the same names in MissingTests.
    """

    path: Path
    title: str
    saved_at: str
    commit: str | None
    measurements: tuple[tuple[str, Measurement], ...]
    missing_tests: tuple[str, ...] = ()
    allowed_missing_tests: tuple[str, ...] = ()


def read_run(path: Path) -> SavedRun:
    """Read one file of pytest-benchmark.

    Benchmarks without a record of traingate are skipped.

    Raises:
        DamagedRecordError: If the file or a record in it is not complete and valid.
    """
    try:
        text = read_bounded(path, MAX_RUN_BYTES)
        content = _decode(text)
        check_keys(text)
        measurements = _measurements(path, content.benchmarks)
        if content.datetime:
            datetime.fromisoformat(content.datetime)  # by which the newest run is found
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise DamagedRecordError.of(path, error) from error
    commit = str(content.commit_info.get("id") or "")
    date_and_commit = [content.datetime[:16].replace("T", " "), commit[:9]]
    details = ", ".join(part for part in date_and_commit if part)
    name = file_name(path)
    title = f"{name} ({details})" if details else name
    is_clean = bool(_COMMIT.fullmatch(commit)) and not content.commit_info.get("dirty")
    return SavedRun(
        path=path,
        title=title,
        saved_at=content.datetime,
        commit=commit if is_clean else None,
        measurements=measurements,
        missing_tests=content.traingate.missing_tests,
        allowed_missing_tests=content.traingate.allowed_missing_tests,
    )


def file_name(path: Path) -> str:
    """Return the name of a file, which may be any bytes, as a text that can be stored."""
    return os.fsencode(path.name).decode(errors="backslashreplace")


def _decode(text: bytes) -> _RunFile:
    """Return the fields of a run that are read here.

    Other benchmarks may have NaN, infinities and lone surrogates in their ``extra_info``. Python
    writes and reads them, though they are not JSON. Numbers of these become null, which is an error
    in a record of traingate only; surrogates become their escapes.

    Raises:
        msgspec.MsgspecError: If the text is not that of a run.
    """
    try:
        return decode(text, _RunFile)
    except TooManyValuesError:
        raise
    except msgspec.MsgspecError:
        # Python's objects take up to thirty times the memory of their text.
        content = _lenient(text) if len(text) <= _MAX_LENIENT_BYTES else None
        if content is None:
            raise
    return decode(content, _RunFile)


def _lenient(text: bytes) -> bytes | None:
    """Return JSON of what Python's ``json`` reads beyond JSON; None if it cannot read the text."""
    try:
        content = json.loads(text.decode(), parse_constant=lambda _: None)
        valid_text = json.dumps(content, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return _SURROGATE.sub(_escaped, valid_text).encode()


def _escaped(match: re.Match[str]) -> str:
    """Return the text of JSON for the escape of a lone surrogate, as ``encode`` writes it."""
    return f"\\\\u{ord(match[0]):04x}"


def accept(path: Path, acceptance: Acceptance, tests: Collection[str] = ()) -> list[str]:
    """Accept the failed records of a saved run, so that they can serve as baselines.

    INCONCLUSIVE records that did not fail are accepted too, but only those that *tests* names: a
    slowdown that nobody has seen must not become the standard by the way.

    Args:
        path: File of the run, which is replaced atomically.
        acceptance: Acceptance by a person, which is stored in each of these records.
        tests: Names of tests, see ``is_named``; all tests of the run if empty.

    Returns:
        Full names of the tests whose records are now accepted.

    Raises:
        DamagedRecordError: If the file or a record in it is not complete and valid.
        BaselineError: If no record of these tests has failed, or is INCONCLUSIVE and named.
    """
    with locked(path.parent.parent, _SAVING_SECONDS):  # each reads what it changes
        read_run(path)  # for its checks
        content = _whole_content(path)
        accepted_tests = []
        for benchmark in content["benchmarks"]:
            name = benchmark["fullname"]
            record = benchmark.get("extra_info", {}).get("traingate", {})
            verdict = record.get("verdict") or {}
            is_selected = not tests or is_named(name, tests)
            is_open = bool(tests) and verdict.get("outcome") == Outcome.INCONCLUSIVE.value
            if is_selected and (verdict.get("failed") or is_open):
                verdict["accepted"] = msgspec.to_builtins(acceptance)
                accepted_tests.append(name)
        if not accepted_tests:
            suffix = f" of {', '.join(tests)}, and no INCONCLUSIVE one" if tests else ""
            advice = (
                "" if tests else " An INCONCLUSIVE record is accepted by its name, with --test."
            )
            raise BaselineError(
                f"{path} holds no failed record{suffix}: there is nothing to accept.{advice}"
            )
        try:
            write_atomically(path, json.dumps(content, indent=4))
        except (OSError, RecursionError) as error:
            raise BaselineError(f"{path} was not changed: {error}") from error
    return accepted_tests


def _whole_content(path: Path) -> dict[str, Any]:
    """Return all of a file that ``read_run`` has read, with the fields that it skips.

    Raises:
        DamagedRecordError: If Python cannot read one of these.
    """
    try:
        content: dict[str, Any] = json.loads(read_bounded(path, MAX_RUN_BYTES))
    except RecursionError as error:
        raise DamagedRecordError.of(path, "it is nested too deeply") from error
    except (OSError, ValueError) as error:  # bytes that are no text, or a number of many digits
        raise DamagedRecordError.of(path, error) from error
    return content


def _measurements(
    path: Path, benchmarks: Sequence[_BenchmarkEntry]
) -> tuple[tuple[str, Measurement], ...]:
    """Return the full names and the measurements of those benchmarks that have a record."""
    return tuple(
        (item.fullname, from_json(item.extra_info.traingate, f"{path}: {item.fullname}"))
        for item in benchmarks
        if bytes(item.extra_info.traingate)
    )
