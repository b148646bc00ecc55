"""Create environments by uv from tested versions, list them, and remove them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from traingate.environments.interpreter import without_packages_of_this
from traingate.errors import ConfigurationError
from traingate.host.shared_libraries import find_program
from traingate.host.user_folders import NoHomeError, user_data_folder
from traingate.untrusted.bounded_command import GroupObserver, run_bounded
from traingate.untrusted.files import read_bounded
from traingate.untrusted.masking import masked_text
from traingate.untrusted.paths import is_file, path_exists
from traingate.worktree.removal import Removal

FOLDER_VARIABLE: Final = "TRAINGATE_ENVIRONMENTS"
"""Environment variable with the folder of created environments."""

_VERSIONS: Final = Path(__file__).parent / "versions"
"""Folder of the files with tested versions, each the requirements of one environment."""

_DESCRIPTION: Final = "traingate.txt"
"""File in the folder of an environment with the digest of what it was created from."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_TORCH_NAME: Final = re.compile(r"torch-(\d+\.\d+(\.\d+)?)")
"""Name of an environment with a version of torch, for which there need be no file."""


def environments_folder() -> Path:
    """Return the folder of created environments: that of the variable, else one of the user's.

    Raises:
        ConfigurationError: If no variable names it, and the user has no home directory.
    """
    folder = os.environ.get(FOLDER_VARIABLE)
    try:
        return Path(folder) if folder else user_data_folder() / "environments"
    except NoHomeError as error:
        raise ConfigurationError(f"{error}, or {FOLDER_VARIABLE}") from error


def created_environments() -> Mapping[str, Path]:
    """Return the folders of the created environments, by name; none for a user without a home.

    Raises:
        ConfigurationError: If their folder may not be read.
    """
    try:
        folder = environments_folder()
    except ConfigurationError:
        return {}
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"the folder of environments cannot be read: {error}. {FOLDER_VARIABLE} names another."
        ) from error
    return {
        path.name: path
        for path in paths
        if path_exists(path / "bin" / "python") and not path.name.startswith(".")
    }


def known_names() -> list[str]:
    """Return the names of the environments with tested versions."""
    return sorted(file.stem for file in _VERSIONS.glob("*.txt"))


def create_environment(
    name: str, python: str | None, arguments: Sequence[str] = (), *, only_if_missing: bool = False
) -> Path | None:
    """Create the environment *name*. One of this name is replaced.

    Args:
        name: Name of an environment with tested versions, or ``torch-X.Y`` for any torch.
        python: Version or path of the Python, as ``uv venv --python`` takes it; None for the
            running one.
        arguments: Further arguments of ``uv pip install``: what the user's models import.
        only_if_missing: Whether to leave an environment alone that was created in the same way.

    Returns:
        Its folder; None if it was left alone.

    Raises:
        ConfigurationError: If there are no versions of this name, if uv is missing or fails, or if
            a file cannot be read or written.
    """
    arguments = [*_requirements(name), *arguments]
    target = environments_folder() / name
    try:
        description = _description(python, arguments)
        if only_if_missing and _has_description(name, target, description):
            return None
        _create(target, python, arguments, description)
    except OSError as error:
        raise ConfigurationError(
            f"the environment {target} was not created: {error}. {FOLDER_VARIABLE} names another "
            "folder for environments."
        ) from error
    return target


def _has_description(name: str, folder: Path, description: bytes) -> bool:
    """Return whether an environment was created from what *description* says."""
    if name not in created_environments():
        return False
    try:
        return read_bounded(folder / _DESCRIPTION, len(description)) == description
    except OSError:  # it is missing, damaged or longer
        return False


def _create(target: Path, python: str | None, arguments: Sequence[str], description: bytes) -> None:
    """Create an environment in the folder *target*, which has that name only once it is complete.

    Raises:
        ConfigurationError: If uv is missing or fails.
        OSError: If a file cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with Removal() as removal:
        unfinished = removal.make_folder(f".{target.name}.", target.parent)
        _run_uv(
            "venv",
            "--allow-existing",
            "--relocatable",
            "--python",
            python or sys.executable,
            str(unfinished),
            on_change=removal.note_group,
        )
        own_python = str(unfinished / "bin" / "python")
        install = ("pip", "install", "--python", own_python, *arguments)
        _run_uv(*install, on_change=removal.note_group)
        (unfinished / _DESCRIPTION).write_bytes(description)
        if os.path.lexists(target):
            _remove(target)
        unfinished.rename(target)


def _description(python: str | None, arguments: Sequence[str]) -> bytes:
    """Return a digest of what an environment is created from: Python, arguments, and their files.

    Addresses of packages and files of requirements may have passwords, so none is kept.
    """
    # An environment serves any Python that runs pytest.
    parts = [os.fsencode(python or "")]
    for argument in arguments:
        parts.append(os.fsencode(argument))
        if is_file(argument):
            parts.append(Path(argument).read_bytes())
    digests = [hashlib.sha256(part).digest() for part in parts]
    return hashlib.sha256(b"".join(digests)).hexdigest().encode()


def remove_environment(name: str) -> None:
    """Remove a created environment.

    Raises:
        ConfigurationError: If there is none of this name, or if it cannot be removed.
    """
    created = created_environments()
    if name not in created:
        names = ", ".join(created) or "none"
        raise ConfigurationError(f"no environment {name!r} was created; there are: {names}")
    try:
        _remove(created[name])
    except OSError as error:
        raise ConfigurationError(f"{created[name]} was not removed: {error}") from error


def _remove(folder: Path) -> None:
    """Remove a folder with all that is in it; of a link the link alone.

    Raises:
        OSError: If it cannot be removed.
    """
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _requirements(name: str) -> list[str]:
    """Return the arguments of ``uv pip install`` that an environment's name stands for."""
    file = _VERSIONS / f"{name}.txt"
    if _NAME.fullmatch(name) and is_file(file):
        return ["--requirement", str(file)]
    version = _TORCH_NAME.fullmatch(name)
    if version is None:
        raise ConfigurationError(
            f"there are no tested versions for an environment {name!r}, only for "
            f"{', '.join(known_names())}; torch-X.Y stands for any version of torch. An "
            f"environment that you have made yourself is named by --traingate-environment "
            f"{name}=PATH"
        )
    # The resolver finds the torchvision that was made for this torch.
    return [f"torch=={version[1]}" + ("" if version[2] else ".*"), "torchvision", "numpy"]


def _run_uv(*arguments: str, on_change: GroupObserver) -> None:
    """Run uv, which shows its progress on the terminal; what it has started ends with it.

    Args:
        arguments: Arguments of uv.
        on_change: Function that is called when it has started, and when it has ended.

    Raises:
        ConfigurationError: If it is missing or fails.
    """
    command = find_program("uv")
    if command is None:
        raise ConfigurationError(
            "environments are created by uv, which is not installed: "
            "pip install 'pytest-traingate[environments]'"
        )
    process = run_bounded(
        [command, *arguments],
        None,
        environment=without_packages_of_this(os.environ),
        is_shown=True,
        on_change=on_change,
    )
    if process.returncode:
        raise ConfigurationError(masked_text(f"uv {' '.join(arguments)} failed"))
