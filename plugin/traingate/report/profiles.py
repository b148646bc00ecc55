"""Write the profiles of a test to files, in a folder that has the name of the test."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from traingate.errors import ConfigurationError
from traingate.records import decode, encode
from traingate.records.decoding import check_keys
from traingate.records.explanation import Explanation
from traingate.records.profile import Profile
from traingate.report.flame_graph import collapsed_stacks, render_flame_graph
from traingate.untrusted.files import read_bounded, write_atomically
from traingate.untrusted.paths import is_folder

_MAX_PROFILE_BYTES: Final = 256 << 20
"""Largest file of profiles that is read."""

PROFILE_SCHEMA: Final = 1
"""Version of the format of ``profile.json``."""

_MAX_NAME_CHARACTERS: Final = 120
"""Longest part of a folder's name that is taken from a test's: names have at most 255 bytes."""


class ProfileFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Content of ``profile.json``: all tables of the profiles of one test.

    Attributes:
        schema: Version of the format.
        test: Full name of the test.
        candidate: Profile of the candidate.
        base: Profile of the base of a duet; None if there was none.
        explanation: Explanation of the change; None if nothing has changed, or nothing was
            compared.
    """

    schema: int = PROFILE_SCHEMA
    test: str
    candidate: Profile
    base: Profile | None = None
    explanation: Explanation | None = None


def make_profile_folder(directory: Path, test: str) -> Path:
    """Return the folder for the profiles of a test, which is made if it is missing.

    Its name is that of the test without special characters, of a long one the end, followed by a
    hash of the whole name: ``a[1-2]`` and ``a[1_2]`` have different folders.

    Args:
        directory: Directory of all profiles.
        test: Full name of the test.

    Raises:
        ConfigurationError: If it cannot be made, or if a link is in its place.
    """
    letters = (letter if letter.isascii() and letter.isalnum() else "_" for letter in test)
    name = "".join(letters)[-_MAX_NAME_CHARACTERS:]
    digest = hashlib.sha256(test.encode(errors="surrogatepass")).hexdigest()[:8]
    folder = directory / f"{name}-{digest}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # the latter for a null byte
        raise ConfigurationError(
            f"--traingate-profile: {folder} cannot be made: {error}"
        ) from error
    if folder.is_symlink():
        raise ConfigurationError(f"--traingate-profile: {folder} is a link, and was not followed")
    return folder


def write_profiles(folder: Path, content: ProfileFile) -> list[Path]:
    """Write the tables, the flame graph and the stacks of a test, and return the files.

    Args:
        folder: Folder that ``make_profile_folder`` has returned. It may have traces already.
        content: Profiles of the test.

    Raises:
        ConfigurationError: If a file cannot be written.
    """
    explanation, base = content.explanation, content.base
    subtitle = explanation.sentence if explanation else f"{content.candidate.steps} profiled steps"
    texts = {
        "profile.json": encode(content, indent=2).decode(),
        "flame_graph.html": render_flame_graph(content.test, subtitle, content.candidate, base),
        "candidate.stacks.txt": collapsed_stacks(content.candidate),
    }
    if base is not None:
        texts["base.stacks.txt"] = collapsed_stacks(base)
    for name, text in texts.items():
        file = folder / name
        try:
            write_atomically(file, text)
        except OSError as error:
            raise ConfigurationError(
                f"--traingate-profile: {file} was not written: {error}"
            ) from error
    return [folder / name for name in texts]


def read_profiles(path: Path) -> ProfileFile:
    """Return the profiles in a folder, or in its ``profile.json``.

    Raises:
        ConfigurationError: If there are none, or if they are damaged.
    """
    file = path / "profile.json" if is_folder(path) else path
    try:
        content = read_bounded(file, _MAX_PROFILE_BYTES)
        profiles = decode(content, ProfileFile)
        check_keys(content)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{file} is no profile of traingate: {error}") from error
    return profiles
