"""Packages of the project that are installed as copies, whose imports no relocation reaches."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")


_NAME = re.compile(r"""\s*name\s*=\s*["']?([\w.-]+)""")


_SECTIONS = {"project", "tool.poetry", "metadata"}


def copied_files(origin: str, tree: Path) -> set[str]:
    """Files of packages that were installed from this project other than editable.

    Either pip says that it took them from a folder in ``origin`` (PEP 610), or a project file
    in ``tree`` has their name, wherever the wheel came from.
    """
    own = _projects(tree)
    found: set[str] = set()
    for package in metadata.distributions():
        source = json.loads(package.read_text("direct_url.json") or "{}")
        folder = source.get("dir_info")
        editable = folder is not None and folder.get("editable", False)
        if editable or package.name == "pytest-traingate":
            continue
        path = unquote(urlsplit(source.get("url", "")).path)
        ours = folder is not None and Path(path).is_relative_to(origin)
        if ours or _normal(package.name) in own:
            found.update(str(package.locate_file(file)) for file in package.files or ())
    return found


def is_copied_package(name: str, file: str, tree: Path) -> bool:
    """Whether a module in site-packages has its sources in ``tree`` too."""
    if name == "traingate" or "site-packages" not in Path(file).parts:
        return False
    folders = (tree, tree / "src")
    return any((folder / name / "__init__.py").is_file() for folder in folders)


def _projects(tree: Path) -> set[str]:
    """Names of the projects that ``tree`` has the sources of, two folders deep at the most."""
    patterns = [f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in _PROJECT_FILES]
    files = (file for pattern in patterns for file in tree.glob(pattern))
    return {_normal(name) for name in map(_declared, files) if name is not None}


def _declared(file: Path) -> str | None:
    """The name that a project file gives; worked out by no program of the project."""
    section = "project" if file.suffix == ".py" else ""
    for line in file.read_text(errors="replace").splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        found = _NAME.match(line)
        if found and section in _SECTIONS:
            return found[1]
    return None


def _normal(name: str) -> str:
    """A project's name as all its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
