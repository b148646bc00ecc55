"""Installed packages by their metadata, which imports none of them.

Loaded by the parent and by the worker: standard library only.
"""

from __future__ import annotations

import re
from importlib import metadata

_TORCH_OF = re.compile(r"torch ?\(?==(\d+\.\d+)")


def version(package: str) -> str | None:
    """The version that is installed; None if none is."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def torch_mismatch(package: str) -> str | None:
    """Why ``package`` cannot load: its binaries are made for one minor version of torch.

    Returns:
        What is wrong, and after a colon the command that mends it; None where they fit, and where
        one of them is not installed.
    """
    own, torch = version(package), version("torch")
    if own is None or torch is None:
        return None
    wanted = _torch_of(package) or _minor(own)
    if wanted == _minor(torch):
        return None
    return (
        f"{package} {own} is made for torch {wanted} and will not load with {torch}: "
        f"pip install 'torch=={wanted}.*' torchvision"
    )


def _torch_of(package: str) -> str | None:
    """The torch that its metadata pins; torchvision's does, others go by their own number."""
    for requirement in metadata.requires(package) or ():
        found = _TORCH_OF.match(requirement)
        if found:
            return found[1]
    return None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
