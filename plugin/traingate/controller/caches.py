"""Give each side of a comparison caches of its own for what it builds from the project's code.

Some caches know their content by a name alone: ``torch.utils.cpp_extension.load`` has a folder per
name of an extension, and transformers copies a project's model code into a folder per name of a
model. In the user's common cache, both sides of a duet would run what one of them has built.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

EXTENSIONS_VARIABLE: Final = "TORCH_EXTENSIONS_DIR"
"""Variable with the folder that ``torch.utils.cpp_extension.load`` builds in."""

_FOLDERS: Final = {
    EXTENSIONS_VARIABLE: "extensions",
    "TRITON_CACHE_DIR": "triton",
    "NUMBA_CACHE_DIR": "numba",  # does not notice a change in what a cached function calls
    "HF_MODULES_CACHE": "transformers",
}
"""Variables that name a cache of built code, and the folder for each."""


def cache_variables(folder: Path) -> dict[str, str]:
    """Return the variables by which a worker builds into folders of its side alone.

    A folder that the user chose for extensions may be on another disk, or be kept between runs
    because builds are long. There each side gets a subfolder, the same one in the next run.

    Args:
        folder: Directory of one side in the session's directory.
    """
    variables = {variable: str(folder / name) for variable, name in _FOLDERS.items()}
    chosen_folder = os.environ.get(EXTENSIONS_VARIABLE)
    if chosen_folder:
        side = hashlib.sha256(f"{Path.cwd()} {folder.name}".encode()).hexdigest()[:16]
        variables[EXTENSIONS_VARIABLE] = str(Path(chosen_folder).absolute() / f"traingate-{side}")
    return variables
