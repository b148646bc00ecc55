"""Find the folders that the operating system has for the user's own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import platformdirs

_NAME: Final = "traingate"


class NoHomeError(FileNotFoundError):
    """Error of a user who has no home directory, where no variable names the folder.

    It never reaches a user as it is, so it is not in the tree of ``errors``: callers that can do
    without the folder treat it like any other error of the file system.
    """


def user_cache_folder() -> Path:
    """Return traingate's folder for files that can be made again.

    Raises:
        NoHomeError: If the user has no home directory, as in some containers.
    """
    return _absolute(platformdirs.user_cache_path)


def user_data_folder() -> Path:
    """Return traingate's folder for files that are kept.

    Raises:
        NoHomeError: As by ``user_cache_folder``.
    """
    return _absolute(platformdirs.user_data_path)


def _absolute(find: Callable[[str], Path]) -> Path:
    """Return the folder that platformdirs finds, if it is not in the working directory."""
    try:
        folder = find(_NAME)
    except RuntimeError as error:  # of Path.expanduser
        raise NoHomeError(f"no home directory for the folders of {_NAME}: set HOME") from error
    if not folder.is_absolute():  # earlier versions leave "~" as it is
        raise NoHomeError(f"no home directory for {folder}: set HOME")
    return folder
