"""Let processes that are started by spawn or forkserver import what their worker imports.

Such data workers (forkserver is the default from Python 3.14 on) do not inherit the worker's import
hooks. Without them, they would import the project from the working tree on both sides of a duet.
``multiprocessing`` runs the main script again in each of them, and ``main`` then calls ``install``.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from traingate.imports.module_files import files_by_name, find_by_file
from traingate.worktree.relocation import Relocation

_VARIABLE: Final = "TRAINGATE_IMPORTS"
"""Environment variable with the path of a file. That has the JSON of the relocation, and of the
files by module, which may be longer than a variable can be (execve(2): 128 KiB)."""


def announce(relocation: dict[str, Any] | None) -> None:
    """Tell processes that will be started what to import from where.

    It writes a file into the folder for temporary files. The controller removes that folder.

    Args:
        relocation: Fields of a ``Relocation``; None for the working tree.
    """
    descriptor, path = tempfile.mkstemp(prefix="imports-", suffix=".json")
    with os.fdopen(descriptor, "w") as file:
        json.dump([relocation, files_by_name()], file)
    os.environ[_VARIABLE] = path


def install() -> None:
    """Import as the process does that has called ``announce``, if any has."""
    if _VARIABLE not in os.environ:
        return
    relocation, files = json.loads(Path(os.environ[_VARIABLE]).read_bytes())
    if relocation is not None:
        Relocation(**relocation).redirect_imports()
    find_by_file(files)
