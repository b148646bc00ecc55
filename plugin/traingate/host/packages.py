"""Read the versions of installed packages from their metadata, without importing them.

An interrupted installation leaves folders such as ``~orch-2.8.0.dist-info``, without a name or
without any file. These are skipped. The parent and the worker both import this module, so it
imports the standard library, and modules of traingate that do the same.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from traingate.imports.distribution_metadata import direct_url, name_in, read_file, read_header
from traingate.imports.distribution_names import normalize

_TORCH_PIN = re.compile(r"torch ?\(?==(\d+\.\d+)")
_VERSION: Final = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class Distribution:
    """Installed distribution.

    Attributes:
        name: Name in its normalized spelling (PEP 503).
        version: Version.
        folder: Folder that its metadata lies in, which holds its modules too unless it is editable.
        files: Metadata of the distribution, as importlib gives access to it.
    """

    name: str
    version: str
    folder: str
    files: metadata.Distribution

    @cached_property
    def record(self) -> str:
        """Return the list of its files, in the format of RECORD (PEP 376); empty without one."""
        return read_file(self.files, "RECORD")

    @cached_property
    def top_level_modules(self) -> list[str]:
        """Return the modules that ``top_level.txt`` lists; empty without that file."""
        return read_file(self.files, "top_level.txt").split()

    @cached_property
    def direct_url(self) -> dict[str, Any]:
        """Return where it was installed from, if that is not an index (PEP 610); else empty."""
        return direct_url(self.files)

    @property
    def is_editable(self) -> bool:
        """Return whether its modules lie in the folder that it was installed from."""
        return bool(self.direct_url.get("dir_info", {}).get("editable"))

    @property
    def local_source(self) -> str:
        """Return the folder or the archive that it was installed from; empty if it is not local."""
        url = urlsplit(self.direct_url.get("url", ""))
        return unquote(url.path) if url.scheme == "file" else ""


def distributions(name: str | None = None) -> Iterator[Distribution]:
    """Yield the installed distributions that have a name and a version, each name once.

    Of several with the same name, the first on the search path is the one that is imported.

    Args:
        name: Name of the only distribution to yield, None for all.
    """
    names = set()
    for folder in _metadata_folders():
        stem = normalize(folder.stem.partition("-")[0])
        if name is not None and stem != normalize(name):
            continue
        files = metadata.Distribution.at(folder)
        header = read_header(files)
        own_name, number = name_in(header), _VERSION.search(header)
        if own_name is None or number is None or own_name in names:
            continue
        names.add(own_name)
        yield Distribution(own_name, number[1], str(folder.parent), files)


def _metadata_folders() -> Iterator[Path]:
    """Yield the folders (and files of old installers) with metadata on the search path."""
    for entry in dict.fromkeys(sys.path):
        try:
            names = sorted(os.listdir(entry or "."))  # noqa: PTH208 - faster, and paths are few
        except OSError:  # an archive, or not there
            continue
        for name in names:
            # pip renames what it is about to remove so that it begins with a tilde.
            if name.endswith((".dist-info", ".egg-info")) and not name.startswith("~"):
                yield Path(entry).absolute() / name


def version(package: str) -> str | None:
    """Return the installed version of *package*, None if it is not installed."""
    return next((item.version for item in distributions(package)), None)


def torch_mismatch(package: str) -> str | None:
    """Return why *package* cannot be loaded with the installed torch.

    Args:
        package: Name of a package whose binaries are built for one minor version of torch.

    Returns:
        Description of the mismatch, followed by a colon and the command that resolves it; None
        if the versions match, or if one of the two is not installed.
    """
    own, torch = version(package), version("torch")
    if own is None or torch is None:
        return None
    required_torch = _required_torch(package) or _minor(own)
    if required_torch == _minor(torch):
        return None
    return (
        f"{package} {own} is made for torch {required_torch} and will not load with {torch}: "
        f"pip install 'torch=={required_torch}.*' torchvision"
    )


def _required_torch(package: str) -> str | None:
    """Return the minor version of torch that the package's metadata pins, None without a pin.

    torchvision pins torch; the packages without a pin have the version number of their torch.
    """
    for requirement in _requirements(package):
        match = _TORCH_PIN.match(requirement)
        if match:
            return match[1]
    return None


def _requirements(package: str) -> list[str]:
    """Return the requirements that the metadata of *package* lists."""
    return [line for item in distributions(package) for line in item.files.requires or ()]


def _minor(version: str) -> str:
    """Return major and minor number of a version, such as ``2.8`` for ``2.8.0+cpu``."""
    return ".".join(version.split(".")[:2])
