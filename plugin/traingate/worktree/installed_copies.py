"""Find packages of the project that are installed as copies.

A relocation cannot redirect their imports, since a copy lies in site-packages and not in a tree.
"""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")

_NAME = re.compile(r"""\s*name\s*=\s*["']?([\w.-]+)""")

_SECTIONS = {"project", "tool.poetry", "metadata"}
"""Sections of a project file that contain the name of the project."""


def copied_files(origin: str, tree: Path) -> set[str]:
    """Return the files of packages that were installed from this project, but not as editable.

    A package belongs to the project if pip recorded that it was installed from a folder in
    *origin* (PEP 610), or if a project file in *tree* has its name, for any source of the wheel.

    Args:
        origin: Absolute path of the working tree.
        tree: Absolute path of the other commit's tree.
    """
    project_names = _project_names(tree)
    files: set[str] = set()
    for package in metadata.distributions():
        if not package.metadata or "Name" not in package.metadata:
            continue  # left over from an interrupted installation
        source = json.loads(package.read_text("direct_url.json") or "{}")
        folder = source.get("dir_info")
        editable = folder is not None and folder.get("editable", False)
        if editable or package.name == "pytest-traingate":
            continue
        path = unquote(urlsplit(source.get("url", "")).path)
        is_from_origin = folder is not None and Path(path).is_relative_to(origin)
        if is_from_origin or _normalize(package.name) in project_names:
            files.update(str(package.locate_file(file)) for file in package.files or ())
    return files


def is_copied_package(name: str, file: str, tree: Path) -> bool:
    """Return whether a module was imported from a copy of a package whose sources are in *tree*.

    Args:
        name: Name of a top-level module.
        file: Path that it was imported from; only site-packages holds copies.
        tree: Absolute path of the other commit's tree.
    """
    if name == "traingate" or "site-packages" not in Path(file).parts:
        return False
    folders = (tree, tree / "src")
    return any((folder / name / "__init__.py").is_file() for folder in folders)


def _project_names(tree: Path) -> set[str]:
    """Return the normalized names of the projects in *tree*, at most two folders deep."""
    patterns = [f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in _PROJECT_FILES]
    files = (file for pattern in patterns for file in tree.glob(pattern))
    return {_normalize(name) for name in map(project_name, files) if name is not None}


def project_name(file: Path) -> str | None:
    """Return the name that a project file states, None if only its code could compute one."""
    section = "project" if file.suffix == ".py" else ""
    for line in file.read_text(errors="replace").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        match = _NAME.match(line)
        if match and section in _SECTIONS:
            return match[1]
    return None


def _normalize(name: str) -> str:
    """Return the normalized spelling of a project's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
