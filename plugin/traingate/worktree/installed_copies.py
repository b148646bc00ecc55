"""Find modules of the project that are imported from an installed copy of it.

A relocation cannot redirect their imports, since a copy lies in site-packages and not in a tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from traingate.imports.distribution_metadata import direct_url, name_in, read_header
from traingate.imports.distribution_names import normalize
from traingate.imports.library_paths import is_package_path
from traingate.untrusted.files import read_bounded
from traingate.worktree.generated_files import holds_only_values, is_compiled

_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")

_NAME = re.compile(r"""\s*name\s*=\s*["']?([\w.-]+)""")

_SECTIONS = {"project", "tool.poetry", "metadata"}
"""Sections of a project file that contain the name of the project."""

_MAX_PROJECT_FILE_BYTES = 16 << 20
"""Largest project file that is read."""

_SOURCE_FOLDERS = ("", "src", "python", "lib")
"""Folders of a project that usually hold its packages."""


class _Installation(NamedTuple):
    """Files of the project's distributions in site-packages.

    Attributes:
        copies: Files of copies of the project: what both sides of a duet would share.
        own: Files that were installed from the other commit's tree, which only it uses.
    """

    copies: frozenset[str]
    own: frozenset[str]


def copied_modules(origin: str, tree: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Return those of the imported modules that come from an installed copy of the project.

    A distribution belongs to the project if pip recorded that it was installed from a folder in
    *origin* (PEP 610), or if a project file in *tree* has its name, for any source of the wheel.
    An editable installation has copies too: the compiled and the generated modules that its build
    put into site-packages. Without a distribution's record, a module is a copy if its source is in
    *tree*.

    Args:
        origin: Absolute path of the working tree.
        tree: Absolute path of the other commit's tree, or again of the working tree.
        files: Files of the imported modules, by the name of the module.
    """
    copies, own = _installation(origin, tree)
    return {
        name: file
        for name, file in files.items()
        if file in copies
        or (file not in own and is_package_path(Path(file)) and _has_source(name, tree))
    }


@cache
def _installation(origin: str, tree: Path) -> _Installation:
    """Return the files of the project's distributions."""
    project_names = _project_names(tree)
    copies: set[str] = set()
    own: set[str] = set()
    for distribution in metadata.distributions():
        name = name_in(read_header(distribution))
        if name is None:
            continue  # left over from an interrupted installation
        source = direct_url(distribution)
        folder = source.get("dir_info")
        path = Path(unquote(urlsplit(source.get("url", "")).path))
        if str(tree) != origin and folder is not None and path.is_relative_to(tree):
            own.update(_files(distribution))
            continue
        is_from_origin = folder is not None and path.is_relative_to(origin)
        if name == "pytest-traingate" or not (is_from_origin or name in project_names):
            continue
        if folder is not None and folder.get("editable", False):
            copies.update(filter(_is_built, _files(distribution)))
        else:
            copies.update(_files(distribution))
    return _Installation(frozenset(copies), frozenset(own))


def _files(distribution: Any) -> list[str]:
    try:
        files = distribution.files or ()
    except (OSError, ValueError):  # its list of files is damaged, for example not UTF-8
        return []
    return [str(distribution.locate_file(file)) for file in files]


def _is_built(file: str) -> bool:
    """Return whether a file of an editable installation was built, and may differ by commit.

    The other files are links to the working tree, and the import hook, which is a top-level module.
    """
    is_in_package = not is_package_path(Path(Path(file).parent.name))
    is_module = is_compiled(file) or (file.endswith(".py") and is_in_package)
    return is_module and not Path(file).is_symlink() and not holds_only_values(file)


def _has_source(name: str, tree: Path) -> bool:
    """Return whether the source of a module is in *tree*, in one of the usual folders."""
    top, *_ = parts = name.split(".")
    if top == "traingate":
        return False
    for folder in (tree / source for source in _SOURCE_FOLDERS):
        path = folder.joinpath(*parts)
        # In a namespace package, other distributions have modules of their own.
        sources = (
            folder / top / "__init__.py",
            path / "__init__.py",
            path.with_name(f"{path.name}.py"),
        )
        if any(source.is_file() for source in sources):
            return True
    return False


def _project_names(tree: Path) -> set[str]:
    """Return the normalized names of the projects in *tree*, at most two folders deep."""
    patterns = [f"{depth}{name}" for depth in ("", "*/", "*/*/") for name in _PROJECT_FILES]
    files = (file for pattern in patterns for file in tree.glob(pattern))
    return {normalize(name) for name in map(project_name, files) if name is not None}


def project_name(file: Path) -> str | None:
    """Return the name that a project file states.

    Returns:
        The name; None if only its code could compute one, or if it cannot be read, as a folder of
        that name.
    """
    section = "project" if file.suffix == ".py" else ""
    try:
        text = read_bounded(file, _MAX_PROJECT_FILE_BYTES).decode(errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[] ")
        match = _NAME.match(line)
        if match and section in _SECTIONS:
            return match[1]
    return None
