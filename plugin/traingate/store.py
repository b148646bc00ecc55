"""Baselines: the runs that pytest-benchmark saved, read back, checked, and searched.

The layout is pytest-benchmark's: ``STORAGE/MACHINE-ID/NNNN_name.json``. Its own loader
skips a damaged file with a warning and takes an older one; a gate must not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from traingate.errors import BaselineError, NoRunError
from traingate.machine import differences
from traingate.records import Hardware, LayerRecord, Measurement, damaged, from_json
from traingate.stack import label

_PREFIX = "file://"


class _ExtraInfo(Struct):
    traingate: msgspec.Raw = msgspec.Raw()  # empty where the benchmark is not ours


class _SavedBenchmark(Struct):
    fullname: str
    extra_info: _ExtraInfo


class _SavedRun(Struct):
    """What is read of pytest-benchmark's file; the rest of it is skipped."""

    benchmarks: list[_SavedBenchmark]
    datetime: str = ""
    commit_info: dict[str, Any] = {}


@dataclass(frozen=True)
class Run:
    """One saved run.

    Attributes:
        path: of the file.
        title: file name, date and commit, for a message.
        saved_at: date and time in ISO format; runs are in its order.
        measurements: by the test's full name, in the file's order.
    """

    path: Path
    title: str
    saved_at: str
    measurements: tuple[tuple[str, Measurement], ...]


@dataclass(frozen=True)
class Subject:
    """What has to agree, beside the hardware, for two measurements to be compared.

    Attributes:
        workload, stack, scale: as in a Measurement.
        batch_size: None as long as only the worker knows it.
    """

    workload: str
    stack: tuple[LayerRecord, ...]
    scale: str
    batch_size: int | None = None

    def matches(self, measurement: Measurement) -> bool:
        """Whether ``measurement`` is of this subject."""
        return (
            self.workload == measurement.workload
            and self.stack == measurement.stack
            and self.scale == measurement.scale
            and self.batch_size in {None, measurement.batch_size}
        )

    def __str__(self) -> str:
        layers = label(msgspec.to_builtins(self.stack))
        batch = "" if self.batch_size is None else f", batch {self.batch_size}"
        return f"{self.workload} with stack {layers} at scale {self.scale}{batch}"


@dataclass(frozen=True)
class Baseline:
    """The stored measurement that a subject is compared with, and where it was found."""

    measurement: Measurement
    title: str


@dataclass(frozen=True)
class Baselines:
    """The runs that a session compares with, oldest first."""

    runs: tuple[Run, ...]

    def find(self, subject: Subject, hardware: Hardware, test: str) -> Baseline:
        """The newest comparable measurement whose run did not fail its gate on ``subject``.

        Where a run has more than one, that of the same ``test`` is taken, else the last.

        Raises:
            BaselineError: if there is none; the message says what came nearest.
        """
        nearest = f"No stored run has {subject}."
        for run in reversed(self.runs):
            found = {name: item for name, item in run.measurements if subject.matches(item)}
            if not found:
                continue
            measurement = found.get(test, list(found.values())[-1])
            unlike = differences(measurement.machine, hardware)
            if unlike:
                nearest = f"{run.title} is of another machine ({'; '.join(unlike)})."
            elif any(item.verdict is not None and item.verdict.failed for item in found.values()):
                nearest = f"{run.title} failed its own gate, and is no baseline."
            else:
                return Baseline(measurement, run.title)
        raise BaselineError(f"{nearest} {REMEDY}")

    def strangers(self, hardware: Hardware) -> list[str]:
        """Why no measurement at all is of this machine; empty if one is, or none stored."""
        unlike: list[str] = []
        for run in self.runs:
            for _, measurement in run.measurements:
                unlike = differences(measurement.machine, hardware)
                if not unlike:
                    return []
        return unlike


REMEDY = (
    "Save a baseline on this machine with --benchmark-save=NAME, or let this run pass without "
    "one by --traingate-on-missing=record."
)


def load(storage: str, selection: str | bool) -> Baselines:
    """Read the runs that ``--benchmark-compare`` names.

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
    return Baselines(tuple(sorted(map(read, files), key=lambda run: run.saved_at)))


def _select(folder: Path, selection: str | bool) -> list[Path]:
    if isinstance(selection, str) and Path(selection).is_file():
        return [Path(selection)]
    pattern = "[0-9][0-9][0-9][0-9]_" if selection is True else str(selection).rstrip("*")
    try:
        found = {*folder.glob(f"{pattern}*.json"), *folder.glob(f"*/{pattern}*.json")}
    except (ValueError, NotImplementedError) as error:  # an absolute or an empty pattern
        raise NoRunError(f"No saved run matches {selection!r}: {error}") from error
    return sorted(found, key=lambda file: (file.name, file.parent))


def read(path: Path) -> Run:
    """The measurements in one file of pytest-benchmark's; its other benchmarks are skipped.

    Raises:
        DamagedRecordError: if the file or a record in it is not whole.
    """
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=_SavedRun)
    except (OSError, msgspec.MsgspecError) as error:
        raise damaged(str(path), error) from error
    commit = str(saved.commit_info.get("id") or "")[:9]
    details = ", ".join(part for part in (saved.datetime[:16].replace("T", " "), commit) if part)
    title = f"{path.name} ({details})"
    return Run(path, title, saved.datetime, _measurements(path, saved.benchmarks))


def _measurements(
    path: Path, benchmarks: Sequence[_SavedBenchmark]
) -> tuple[tuple[str, Measurement], ...]:
    return tuple(
        (item.fullname, from_json(item.extra_info.traingate, f"{path}: {item.fullname}"))
        for item in benchmarks
        if bytes(item.extra_info.traingate)
    )
