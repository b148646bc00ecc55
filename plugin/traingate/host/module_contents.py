"""Identify the content of packages whose version does not: those that are used from a folder.

The worker imports this module, so it imports the standard library alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_SUFFIXES: Final = (".py", ".so")
"""Endings of source files and of compiled modules."""


def digest_of_modules(modules: Iterable[tuple[str, str]]) -> str:
    """Return a digest of the packages that modules belong to, whatever folder they lie in.

    The digest covers all files of the top-level packages. Which of them are imported may change
    from launch to launch: the first one compiles.

    Args:
        modules: Pairs of a module's full name and the absolute path of its file.
    """
    places = {_top_level_place(name, Path(file)) for name, file in modules}
    return digest_of(
        f"{file.relative_to(place.parent)} {_digest_of_content(file)}"
        for place in places
        for file in _files_below(place)
    )


def digest_of(texts: Iterable[str]) -> str:
    """Return a digest of texts in any order, short enough for a message."""
    return hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest()[:12]


def _top_level_place(name: str, file: Path) -> Path:
    """Return the folder of a module's top-level package, or the file of a single module."""
    parts = name.split(".")
    depth = len(parts) - (0 if file.stem == "__init__" else 1)
    if depth == 0:
        return file
    place = file.parents[depth - 1]
    return place if place.name == parts[0] else file


def _files_below(place: Path) -> Iterator[Path]:
    """Yield the source files and compiled modules in a folder, or a file itself."""
    if not place.is_dir():
        yield place
        return
    for folder, folders, names in os.walk(place):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        yield from (Path(folder, name) for name in names if name.endswith(_SUFFIXES))


def _digest_of_content(file: Path) -> str:
    """Return a digest of the content of a file."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:  # it is in an archive, or gone by now
        return "unreadable"
