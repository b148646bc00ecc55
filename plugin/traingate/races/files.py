"""Save and read the records of races."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final

import msgspec

from traingate.errors import DamagedRecordError, NoRunError
from traingate.records.decoding import check_keys, decode
from traingate.records.encoding import encode
from traingate.records.masking import masked_measurement
from traingate.records.measurement import SCHEMA
from traingate.records.race import RACE_SCHEMA, Race
from traingate.records.race_plausibility import check_race
from traingate.untrusted.files import read_bounded, write_atomically
from traingate.untrusted.locks import locked
from traingate.untrusted.masking import masked_text

FOLDER: Final = ".traingate/races"
"""Folder of the records below pytest's rootdir."""

_SUFFIX: Final = ".race.json"

_MAX_BYTES: Final = 64 << 20
"""Largest record that is read. One of a hundred heats has less than a megabyte."""

_SAVING_SECONDS: Final = 10.0
"""Longest wait for another run that saves a race in the same folder."""

_NUMBER: Final = re.compile(r"(\d{4,})_.*\.race\.json")


class _Version(msgspec.Struct, frozen=True):
    """Version of a part of a record."""

    schema: int = 1


class _Versions(msgspec.Struct, frozen=True):
    """Versions of a record, which are read before the rest of it."""

    schema: int
    plain: _Version = _Version()


def new_file(folder: Path, test: str) -> Path:
    """Return a path for the record of a new race, with the next number of the folder.

    Args:
        folder: Folder of the records.
        test: Full name of the test.
    """
    numbers = [int(match[1]) for path in _files(folder) if (match := _NUMBER.fullmatch(path.name))]
    return folder / f"{max(numbers, default=0) + 1:04}_{_name_of(test)}{_SUFFIX}"


def _name_of(test: str) -> str:
    """Return the part of the name of a file that is the test's."""
    function, bracket, parameters = test.partition("[")
    name = f"{function.rpartition('::')[2]}{bracket}{parameters}"
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name)[:80].strip("_") or "test"


def newest_file(folder: Path, test: str | None = None) -> Path:
    """Return the newest record of a race in a folder.

    Args:
        folder: Folder of the records.
        test: Full name of the test; None for any.

    Raises:
        NoRunError: If there is none.
        DamagedRecordError: If a record with the name of the test cannot be read.
    """
    for path in reversed(_files(folder)):
        if test is None:
            return path
        if path.name.endswith(f"_{_name_of(test)}{_SUFFIX}") and read_race(path).test == test:
            return path
    what = "race" if test is None else f"race of {test}"
    raise NoRunError(f"{folder} holds no {what}: run traingate tune first.")


class RaceFile:
    """File to which one run saves its race after each heat, and which no other run writes.

    Two runs may go on with the same race, or start one in the same folder. A run that finds that
    another has written its file goes on in a new one, so that neither loses a heat.

    Attributes:
        path: The file; None before the first save of a race whose file is still to be named.
    """

    def __init__(self, folder: Path, path: Path | None = None, *, goes_on: bool = False) -> None:
        """Choose the file.

        Args:
            folder: Folder for new files, with a number in their names.
            path: The file; None for a new one.
            goes_on: True to go on with the race in *path*, which is to be read after this.
        """
        self.path = path
        self._folder = folder
        self._state = _state_of(path) if path is not None and goes_on else None

    def save(self, race: Race) -> None:
        """Save the race in the place of its earlier state.

        Raises:
            OSError: If the file cannot be written.
        """
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.path.parent, _SAVING_SECONDS):
                if self._state is None or _state_of(self.path) == self._state:
                    self._write(self.path, race)
                    return
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder, _SAVING_SECONDS):
            self._write(new_file(self._folder, race.test), race)

    def _write(self, path: Path, race: Race) -> None:
        save_race(path, race)
        self.path, self._state = path, _state_of(path)


def _state_of(path: Path) -> tuple[int, int, int] | None:
    """Return inode, time and size of a file; None if it is no regular file."""
    try:
        status = path.stat()
    except OSError:
        return None
    is_file = stat.S_ISREG(status.st_mode)
    return (status.st_ino, status.st_mtime_ns, status.st_size) if is_file else None


def is_race_file(path: Path) -> bool:
    """Return whether a path is named like the record of a race."""
    return path.name.endswith(_SUFFIX)


def save_race(path: Path, race: Race) -> None:
    """Write a record, which replaces an earlier state of the same race as a whole.

    Raises:
        OSError: If the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, encode(race, indent=1))


def read_race(path: Path) -> Race:
    """Return the record of a race.

    Raises:
        DamagedRecordError: If it cannot be read, if it has something that no race has, or if a
            later version of traingate wrote it.
    """
    try:
        content = read_bounded(path, _MAX_BYTES)
        version = decode(content, _Versions)
        for kind, number, newest in (
            ("race", version.schema, RACE_SCHEMA),
            ("measurement", version.plain.schema, SCHEMA),
        ):
            if number > newest:
                raise DamagedRecordError(
                    f"{path}: {kind} of schema {number}, and this traingate reads up to {newest}. "
                    "Upgrade pytest-traingate."
                )
        race = decode(content, Race)
        check_keys(content)
        check_race(race)
    except (OSError, msgspec.MsgspecError, ValueError) as error:
        raise DamagedRecordError(f"{path} is no record of a race: {error}") from error
    return _masked(race)


def _masked(race: Race) -> Race:
    """Return a race without the secrets that an earlier version may have kept."""
    replace = msgspec.structs.replace
    eliminations = tuple(
        replace(item, reason=masked_text(item.reason)) for item in race.eliminations
    )
    return replace(race, plain=masked_measurement(race.plain), eliminations=eliminations)


def _files(folder: Path) -> list[Path]:
    """Return the records in a folder, in the order of their numbers."""
    paths = [path for path in folder.glob(f"*{_SUFFIX}") if _NUMBER.fullmatch(path.name)]
    return sorted(paths, key=lambda path: int(path.name.partition("_")[0]))
