"""Compute digests of the project's files that this process has imported."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError
from traingate.imports.library_paths import is_library_path
from traingate.protocol.messages import COMPILED_PREFIX
from traingate.worktree.generated_files import is_compiled
from traingate.worktree.installed_copies import copied_modules
from traingate.worktree.relocation import imported_files

_PACKAGE: Final = Path(__file__).resolve().parents[1]

_LAUNCH_VARIABLES: Final = ("TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Variables with folders of modules that compilers generate in each launch."""


def file_digests(project: str, tree: str) -> dict[str, str]:
    """Return the digests of the files that were imported and belong to no library.

    Copies of the project that are installed as a library are included.

    Args:
        project: Absolute path of the project's root in the working tree; empty if unknown.
        tree: Absolute path of its root in the tree of this side.

    Returns:
        Digests by the name of the module, or by the path of a file outside of the project; those of
        compiled modules have a prefix.
    """
    files = imported_files()
    named_files = copied_modules(project, Path(tree), files) if project else {}
    launch_folders = [os.environ[name] for name in _LAUNCH_VARIABLES if os.environ.get(name)]
    excluded_folders = [_PACKAGE, *map(Path, launch_folders)]
    for name, file in files.items():
        path = Path(file)
        if is_library_path(path) or any(map(path.is_relative_to, excluded_folders)):
            continue
        is_inside = bool(project) and path.is_relative_to(tree)
        named_files[name if is_inside else file] = file
    digests = {name: _digest(file) for name, file in named_files.items()}
    return {name: digest for name, digest in digests.items() if digest is not None}


def check_unchanged(before: dict[str, str], after: dict[str, str]) -> None:
    """Check that no file was changed after it had been imported.

    Args:
        before: Digests when the training was built.
        after: Digests after the last step.

    Raises:
        ConfigurationError: If a file was changed.
    """
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            raise ConfigurationError(
                f"the file of {name} was changed while this launch ran. Leave the project's files "
                "alone until the run ends, and start it again."
            )


def _digest(file: str) -> str | None:
    """Return the digest of a file's content, None if it no longer exists."""
    try:
        content = Path(file).read_bytes()
    except OSError:
        return None
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{COMPILED_PREFIX}{digest}" if is_compiled(file) else digest
