"""Ask whether a path exists, whoever wrote it.

The methods of ``Path`` raise for a name that is too long, has a null byte or is a link to itself,
depending on the version of Python. These functions say no. This module imports the standard library
alone.
"""

from __future__ import annotations

import os
from pathlib import Path


def path_exists(path: Path | str) -> bool:
    """Return whether a path leads to something."""
    return os.path.exists(path)  # noqa: PTH110


def is_file(path: Path | str) -> bool:
    """Return whether a path leads to a regular file."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path | str) -> bool:
    """Return whether a path leads to a folder."""
    return os.path.isdir(path)  # noqa: PTH112
