"""Write the operator table of a test to a file that has the name of the test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from traingate.errors import ConfigurationError

_MAX_NAME_CHARACTERS: Final = 120
"""Longest part of a file's name that is taken from a test's: names have at most 255 bytes."""


def profile_file(directory: Path, test: str) -> Path:
    """Return the file for the operator table of a test.

    Its name is that of the test without special characters, of a long one the end, followed by a
    hash of the whole name: ``a[1-2]`` and ``a[1_2]`` have different files.

    Args:
        directory: Directory of all profiles.
        test: Full name of the test.
    """
    letters = (letter if letter.isascii() and letter.isalnum() else "_" for letter in test)
    name = "".join(letters)[-_MAX_NAME_CHARACTERS:]
    digest = hashlib.sha256(test.encode(errors="surrogatepass")).hexdigest()[:8]
    return directory / f"{name}-{digest}.json"


def write_profile(directory: Path, test: str, operators: Sequence[Mapping[str, Any]]) -> None:
    """Write an operator table as JSON.

    Args:
        directory: Directory of all profiles, which is made if it is missing.
        test: Full name of the test.
        operators: Rows of the table.

    Raises:
        ConfigurationError: If the file cannot be written.
    """
    file = profile_file(directory, test)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(operators, indent=1))
    except OSError as error:
        raise ConfigurationError(f"--traingate-profile: {file} was not written: {error}") from error
