"""Tell the files of an interpreter and of its installed packages from those of a project.

The parent and the worker both import this module, so it imports the standard library alone.
"""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})
"""Names of folders of installed packages; Debian's Python uses the second one."""

_KINDS: Final = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")


def is_package_path(path: Path) -> bool:
    """Return whether *path* is in a folder of installed packages, of any interpreter."""
    return not _PACKAGE_FOLDERS.isdisjoint(path.parts)


def is_library_path(path: Path) -> bool:
    """Return whether *path* belongs to this interpreter, or to installed packages of any one."""
    return is_package_path(path) or any(map(path.is_relative_to, _libraries()))


@cache
def _libraries() -> frozenset[Path]:
    """Return the folders of this interpreter's library and packages."""
    folders = {Path(sysconfig.get_path(kind)) for kind in _KINDS}
    return frozenset(folders | {folder.resolve() for folder in folders})
