"""Make the private directory of a session."""

from __future__ import annotations

import warnings
from pathlib import Path

from traingate.errors import CautionWarning, ConfigurationError
from traingate.host.temporary_folders import CACHE_VARIABLE, folder_for_compiled_code
from traingate.protocol.channel import listener_pattern
from traingate.worktree.removal import Removal


def make_directory(removal: Removal) -> Path:
    """Return a new private directory for the compile caches of a session.

    It emits a CautionWarning if compiled code cannot be loaded from any folder.

    Args:
        removal: Removal that ends the directory, and those of the sockets of this process.

    Raises:
        ConfigurationError: If it cannot be made, or if nothing could remove it.
    """
    try:
        removal.remove_matching_at_end(listener_pattern())
        folder = folder_for_compiled_code()
        if folder is None:
            warnings.warn(
                CautionWarning(
                    "every folder for temporary files is full, or is mounted noexec, so that "
                    f"compiled code cannot be loaded from it: set {CACHE_VARIABLE} to a folder of "
                    "another filesystem"
                ),
                stacklevel=3,
            )
        return removal.make_folder("traingate-session-", folder)
    except OSError as error:
        raise ConfigurationError(
            "measuring needs a folder for temporary files, and a process beside this one that "
            f"removes it in the end: {error}. TMPDIR names another folder."
        ) from error
