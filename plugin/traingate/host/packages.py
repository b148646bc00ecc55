"""Read the versions of installed packages from their metadata, without importing them.

The parent and the worker both import this module, so it imports the standard library alone.
"""

from __future__ import annotations

import re
from importlib import metadata

_TORCH_PIN = re.compile(r"torch ?\(?==(\d+\.\d+)")


def version(package: str) -> str | None:
    """Return the installed version of *package*, None if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


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
    for requirement in metadata.requires(package) or ():
        match = _TORCH_PIN.match(requirement)
        if match:
            return match[1]
    return None


def _minor(version: str) -> str:
    """Return major and minor number of a version, such as ``2.8`` for ``2.8.0+cpu``."""
    return ".".join(version.split(".")[:2])
