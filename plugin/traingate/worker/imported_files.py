"""Compute digests of the project's files that this process has imported."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError, EditedFileError
from traingate.host.shared_libraries import loaded_libraries
from traingate.imports.library_paths import is_library_path
from traingate.protocol.messages import COMPILED_PREFIX
from traingate.worktree.generated_files import is_compiled
from traingate.worktree.installed_copies import copied_modules
from traingate.worktree.relocation import imported_files

_PACKAGE: Final = Path(__file__).resolve().parents[1]

_SYSTEM_FOLDERS: Final = (sys.base_prefix, sys.prefix, "/usr/", "/lib", "/opt/", "/nix/")
"""Beginnings of the paths of shared objects that no test builds."""

_LAUNCH_VARIABLES: Final = ("TMPDIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
"""Variables with folders of modules that compilers generate in each launch."""

_SIDE_VARIABLES: Final = ("TORCH_EXTENSIONS_DIR", "HF_MODULES_CACHE")
"""Variables with folders of code that each side builds or copies once."""


def file_digests(project: str, tree: str) -> dict[str, str]:
    """Return the digests of the files that were imported and belong to no library.

    Shared objects that were loaded otherwise, such as extensions built at run time, are included,
    and copies of the project that are installed as a library.

    Args:
        project: Absolute path of the project's root in the working tree; empty if unknown.
        tree: Absolute path of its root in the tree of this side.

    Returns:
        Digests by the name of the module, by the path in a cache of this side, or by the
        absolute path of any other file outside of the project; those of compiled files have a
        prefix.
    """
    files = imported_files()
    named_files = copied_modules(project, Path(tree), files) if project else {}
    launch_folders = [os.environ[name] for name in _LAUNCH_VARIABLES if os.environ.get(name)]
    excluded_folders = [_PACKAGE, *map(Path, launch_folders)]
    for name, file in {**{file: file for file in _shared_objects()}, **files}.items():
        path = Path(file)
        if is_library_path(path) or any(map(path.is_relative_to, excluded_folders)):
            continue
        named_files[_name(name, path, tree if project else None)] = file
    digests = {name: _digest(file) for name, file in named_files.items()}
    return {name: digest for name, digest in digests.items() if digest is not None}


def _name(name: str, file: Path, tree: str | None) -> str:
    """Return the name of a file, which is the same in each launch of each side."""
    for variable in _SIDE_VARIABLES:
        folder = os.environ.get(variable)
        if folder and file.is_relative_to(folder):
            return file.relative_to(folder).as_posix()
    if tree is None or not file.is_relative_to(tree):
        return str(file)
    return file.relative_to(tree).as_posix() if name == str(file) else name


def _shared_objects() -> set[str]:
    """Return the shared objects that this process has mapped, but for those of the system."""
    paths = map(str, loaded_libraries())
    return {path for path in paths if not path.startswith(_SYSTEM_FOLDERS)}


def built_libraries() -> list[Path]:
    """Return the shared objects that this process has mapped, but for those in its own caches."""
    variables = (*_LAUNCH_VARIABLES, *_SIDE_VARIABLES)
    folders = [os.environ[name] for name in variables if os.environ.get(name)]
    return [path for path in loaded_libraries() if not any(map(path.is_relative_to, folders))]


def check_unchanged(
    before: Mapping[str, str], after: Mapping[str, str], *, is_working_tree: bool
) -> None:
    """Check that no file was changed after it had been imported.

    Args:
        before: Earlier digests.
        after: Later digests of the same process.
        is_working_tree: True if the files are those of the working tree, which a person edits.

    Raises:
        EditedFileError: If a file of the working tree was changed.
        ConfigurationError: If a file of another tree was changed.
    """
    error = EditedFileError if is_working_tree else ConfigurationError
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            raise error(
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
