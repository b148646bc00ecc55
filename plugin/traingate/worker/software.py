"""Report the software of the worker: packages, libraries, system, and variables that steer them."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import torch

from traingate.host import noise, shared_libraries
from traingate.host.imported_packages import Project, imported_packages
from traingate.host.variables import steering_variables
from traingate.imports.distribution_names import normalize
from traingate.protocol.json_values import JSON
from traingate.worktree.installed_copies import project_name
from traingate.worktree.relocation import Relocation

_ALWAYS_LISTED: Final = (
    "torch", "torchvision", "numpy", "intel-extension-for-pytorch", "torch-xla",
)  # fmt: skip
"""Packages whose versions have keys of their own in the record, imported or not."""


def environment(project: Project) -> dict[str, JSON]:
    """Return the worker's software and settings for the record.

    Args:
        project: Project that is measured, which is not part of the environment.

    Returns:
        Versions of Python and its build, and of some packages; all imported packages under
        ``packages``, the origin of local ones under ``package_sources``, and the other installed
        ones under ``other_packages``; the number of threads, the libraries that serve ``malloc``
        and OpenMP, the kernel and its settings; under ``variables`` the environment variables that
        steer all these.
    """
    packages = imported_packages(project)
    versions = {**packages.other_versions, **packages.versions}
    facts: dict[str, JSON] = {"python": platform.python_version()}
    facts.update((name, versions[name]) for name in _ALWAYS_LISTED if name in versions)
    facts["torch"] = torch.__version__  # with its build, such as +cpu
    facts["threads"] = torch.get_num_threads()
    facts["allocator"] = shared_libraries.allocator_name()
    facts["tensor_allocator"] = shared_libraries.tensor_allocator_name()
    facts["openmp"] = shared_libraries.openmp_name()
    facts["variables"] = dict(steering_variables(os.environ))
    return {
        **facts,
        **_system(),
        "packages": dict(packages.versions),
        "package_sources": {name: dict(source) for name, source in packages.sources.items()},
        "other_packages": dict(packages.other_versions),
    }


def project_of(
    workload_file: str, import_paths: Iterable[str], relocation: Relocation | None
) -> Project:
    """Return the project that a workload belongs to: its repository, if it lies in one.

    Modules that torch generates in this launch's private folder are code as well.

    Args:
        workload_file: File of the workload in the working tree.
        import_paths: Folders of the project on the search path. They are a part of it for certain
            only if no repository says where it begins: helpers may lie elsewhere.
        relocation: Relocation to another tree, None for the working tree.
    """
    parents = Path(workload_file).resolve().parents
    repository = next((folder for folder in parents if (folder / ".git").exists()), None)
    folders = [str(parents[0]), *import_paths] if repository is None else [str(repository)]
    if relocation is not None:
        folders += [relocation.origin, relocation.tree]
    files = [Path(folder) / "pyproject.toml" for folder in folders]
    names = [project_name(file) for file in files if file.is_file()]
    folders += [tempfile.gettempdir()]
    return Project(tuple(folders), frozenset(normalize(name) for name in names if name))


def _system() -> dict[str, JSON]:
    """Return the properties of the interpreter's build and of the operating system."""
    is_gil_enabled = getattr(sys, "_is_gil_enabled", lambda: True)
    lock = "" if is_gil_enabled() else ", free-threaded"
    return {
        "python_build": f"{platform.python_implementation()}, {platform.python_compiler()}{lock}",
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "transparent_huge_pages": noise.transparent_huge_pages(),
        "huge_page_defragmentation": noise.huge_page_defragmentation(),
        "governor": noise.governor(),
        "turbo": noise.turbo(),
    }
