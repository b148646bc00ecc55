"""Find the files of saved runs, without reading their records.

pytest's hooks import this module at the start of each run, so it imports the standard library, and
modules of traingate that do the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import Final

from traingate.errors import BaselineError, DamagedRecordError, NoRunError
from traingate.untrusted.files import contains, has_too_many_values, kind_of
from traingate.untrusted.json_size import MAX_VALUES
from traingate.untrusted.masking import masked_text
from traingate.untrusted.paths import is_file, is_folder

MAX_RUN_BYTES: Final = 512 << 20
"""Largest file of a run that is read: a run of a thousand tests has a tenth of it."""

SAVE_REMEDY: Final = "Save a baseline on this machine with --benchmark-save=NAME."
"""Way out if something is stored that cannot be compared with."""

REMEDY: Final = (
    "Save a baseline on this machine with --benchmark-save=NAME; new tests beside others that have "
    "one can be recorded by --traingate-on-missing=record."
)
"""Ways out if nothing is stored."""

_PREFIX: Final = "file://"

_NUMBER: Final = re.compile(r"([0-9]{4,})_")
"""Number at the start of a run's name; pytest-benchmark goes on with 10000 after 9999."""


def select_files(storage: str, selection: str | bool) -> list[Path]:
    """Return the files of the runs that ``--benchmark-compare`` names, sorted by number and name.

    Args:
        storage: As for ``matching_files``.
        selection: The same. A number of four digits or more is that of the file, and not the start
            of a longer one.

    Raises:
        BaselineError, NoRunError, DamagedRecordError: As by ``matching_files``.
    """
    files = matching_files(storage, selection)
    name = Path(str(selection)).name
    if _NUMBER.fullmatch(f"{name}_"):
        longer_number = re.compile(f"{name}[0-9]")
        files = [file for file in files if not longer_number.match(file.name)]
    if not files:
        raise NoRunError(f"No saved run has the number {name} in {storage}. {REMEDY}")
    return files


def matching_files(storage: str, selection: str | bool) -> list[Path]:
    """Return the files that pytest-benchmark reads for a comparison, sorted by number and name.

    Args:
        storage: Value of ``--benchmark-storage``: a path, or ``file://PATH``.
        selection: True for all runs, else the path of a file or the start of its name: a number
            or ``number_name``, optionally preceded by the platform's folder.

    Raises:
        BaselineError: If *storage* is a URL of another kind than ``file://``.
        NoRunError: If there is no run, or none that the selection names.
        DamagedRecordError: If a folder of the storage cannot be read.
    """
    folder = storage_folder(storage)
    if folder is None:
        address = masked_text(storage)
        raise BaselineError(f"traingate compares with runs in files only, and not in {address}")
    files = _select(folder, selection)
    if not files:
        problem = "No saved run" if selection is True else f"No saved run matches {selection!r}"
        raise NoRunError(f"{problem} in {folder}. {REMEDY}")
    return files


def storage_folder(storage: str) -> Path | None:
    """Return the folder of a storage, the value of ``--benchmark-storage``; None if it has none."""
    if "://" in storage and not storage.startswith(_PREFIX):
        return None
    return Path(storage.removeprefix(_PREFIX))


def stored_files(folder: Path, pattern: str = "*") -> set[Path]:
    """Return the files that stand where pytest-benchmark keeps runs: there, and one level below.

    Args:
        folder: Folder of a storage.
        pattern: Pattern of their names without the ending ``.json``.

    Raises:
        ValueError, NotImplementedError, OSError: As by ``Path.glob``, if this is no such pattern.
    """
    return {*folder.glob(f"{pattern}.json"), *folder.glob(f"*/{pattern}.json")}


def located_storage(storage: str) -> str:
    """Return a storage whose folder is absolute, as pytest-benchmark reads it at its start.

    Tests may change the working directory later. Like pytest-benchmark, it takes ``~`` for a name.
    """
    folder = storage_folder(storage)
    return storage if folder is None else str(folder.absolute())


def run_number(file: Path) -> int | None:
    """Return the number of a run, by the name of its file; None if that has none."""
    match = _NUMBER.match(file.name)
    return int(match[1]) if match else None


def may_hold_records(storage: str, selection: str | bool) -> bool | None:
    """Return whether any run that ``select_files`` finds may hold a record of traingate.

    The files are not parsed: a damaged one may belong to a project without training benchmarks. One
    that cannot be read may hold a record.

    Returns:
        True or False; None if there is no run, or the storage has no files.
    """
    try:
        return any(contains(file, b'"traingate"') for file in select_files(storage, selection))
    except DamagedRecordError:
        return True
    except BaselineError:
        return None
    except OSError:
        return True


def check_compared_files(storage: str, selection: str | bool) -> None:
    """Check that reading the files of ``matching_files`` neither hangs nor fills the memory.

    Args:
        storage: Value of ``--benchmark-storage``.
        selection: Value of ``--benchmark-compare``; False if nothing is compared.

    Raises:
        DamagedRecordError: If one is a FIFO or a device, or larger than ``MAX_RUN_BYTES``, if it
            has more than ``MAX_VALUES`` values, or control characters in its name or in that of
            its folder in the storage.
    """
    try:
        files = matching_files(storage, selection) if selection else []
    except BaselineError:
        return  # reported where the runs are needed
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise DamagedRecordError.of(file, f"it is {kind_of(status.st_mode)}, not a file")
        if not _shown_name(file, storage).isprintable():
            raise DamagedRecordError.of(file, "its name has control characters")
        if status.st_size > MAX_RUN_BYTES:
            size = f"it is larger than {MAX_RUN_BYTES >> 20} MiB, and was not read"
            raise DamagedRecordError.of(file, size)
        with contextlib.suppress(OSError):  # reported where it is read
            if status.st_size > MAX_VALUES and has_too_many_values(file):
                values = f"it has more than {MAX_VALUES:,} values, and was not read"
                raise DamagedRecordError.of(file, values)


def _shown_name(file: Path, storage: str) -> str:
    """Return the part of a path that pytest-benchmark prints. The storage may have any name."""
    folder = storage_folder(storage)
    if folder is None or not file.is_relative_to(folder):
        return file.name
    return str(file.relative_to(folder))


def _select(folder: Path, selection: str | bool) -> list[Path]:
    """Return the files below *folder* that the selection names, sorted by number and name.

    Raises:
        NoRunError: If the selection cannot name a file.
        DamagedRecordError: If a folder cannot be read; it might hold the newest run.
    """
    if isinstance(selection, str) and is_file(selection):
        return [Path(selection)]
    pattern = "[0-9][0-9][0-9][0-9]" if selection is True else str(selection).rstrip("*")
    _check_folders(folder)
    try:
        files = stored_files(folder, f"{pattern}*")
    except (ValueError, NotImplementedError, OSError) as error:  # absolute, empty, or too long
        raise NoRunError(f"No saved run matches {selection!r}: {error}") from error
    if selection is True:
        files = {file for file in files if run_number(file) is not None}
    return sorted(files, key=lambda file: (run_number(file) or 0, file.name, file.parent))


def _check_folders(folder: Path) -> None:
    """Check that the folders of a storage can be listed: ``Path.glob`` passes over others."""
    try:
        for name in os.listdir(folder):  # noqa: PTH208 - an entry may be a link to itself
            path = os.path.join(folder, name)  # noqa: PTH118
            if is_folder(path):
                os.scandir(path).close()
    except (FileNotFoundError, NotADirectoryError):
        return
    except ValueError as error:  # a null byte
        raise NoRunError(f"No saved run in {str(folder)!r}: {error}. {REMEDY}") from error
    except OSError as error:
        raise DamagedRecordError.of(folder, error) from error
