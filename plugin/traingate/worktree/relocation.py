"""A project seen in another tree: where its files are there, and that its modules come from there.

Told by the parent, done in the worker: standard library only.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

from traingate.errors import ConfigurationError

_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Relocation:
    """Two trees of one project.

    Attributes:
        origin: absolute path of the tree that paths are given in.
        tree: absolute path of the one that they are to be found in.
    """

    origin: str
    tree: str

    def moved(self, path: str) -> str:
        """Where ``path`` is in the other tree; libraries, and what is outside, stay in place."""
        place = Path(path)
        if not belongs(place, self.origin) or place.is_relative_to(self.tree):
            return path
        return str(self.tree / place.relative_to(self.origin))

    def redirect_imports(self) -> None:
        """Let every import that would find a module in ``origin`` find it in ``tree``.

        An editable install leads there past ``sys.path``; both sides would run the same code.
        """
        sys.meta_path.insert(0, _Redirection(self))

    def refuse_strangers(self) -> None:
        """See that what was imported is the other tree's.

        Raises:
            ConfigurationError: for a module from ``origin``, and for one from an installed copy
                of a package of the project.
        """
        copies = self._copied_files()
        for name, module in sorted(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name == "__main__" or not file:
                continue
            if self.moved(file) != file:
                raise ConfigurationError(f"{name} was imported from {file}, not from {self.tree}")
            if file in copies or ("." not in name and self._is_copy(name, file)):
                raise ConfigurationError(
                    f"{name} was imported from an installed copy, so that both sides of the duet "
                    "would run the same code. Install the project with pip install --editable."
                )

    def _copied_files(self) -> set[str]:
        """Files of packages that were installed from this project other than editable.

        Either pip says that it took them from a folder in ``origin`` (PEP 610), or a project file
        in ``tree`` has their name, wherever the wheel came from.
        """
        own = _projects(Path(self.tree))
        found: set[str] = set()
        for package in metadata.distributions():
            source = json.loads(package.read_text("direct_url.json") or "{}")
            folder = source.get("dir_info")
            editable = folder is not None and folder.get("editable", False)
            if editable or package.name == "pytest-traingate":
                continue
            path = unquote(urlsplit(source.get("url", "")).path)
            ours = folder is not None and Path(path).is_relative_to(self.origin)
            if ours or _normal(package.name) in own:
                found.update(str(package.locate_file(file)) for file in package.files or ())
        return found

    def _is_copy(self, name: str, file: str) -> bool:
        if name == "traingate" or "site-packages" not in Path(file).parts:
            return False
        folders = (Path(self.tree), Path(self.tree, "src"))
        return any((folder / name / "__init__.py").is_file() for folder in folders)


_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_NAME = re.compile(r"""\s*name\s*=\s*["']?([\w.-]+)""")
_SECTIONS = {"project", "tool.poetry", "metadata"}


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


def belongs(place: Path, root: str | Path) -> bool:
    """Whether this is the project's at ``root``, and no interpreter's, nor traingate's own."""
    if not place.is_relative_to(root) or place.is_relative_to(_PACKAGE):
        return False
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    libraries = [sysconfig.get_path(kind) for kind in kinds]
    return "site-packages" not in place.parts and not any(map(place.is_relative_to, libraries))


class _Redirection(MetaPathFinder):
    """Asks the other finders, and moves what they find."""

    def __init__(self, relocation: Relocation) -> None:
        self._relocation = relocation

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the next finders give, in the other tree."""
        for finder in sys.meta_path:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None:
                return self._moved(found)
        return None

    def _moved(self, spec: ModuleSpec) -> ModuleSpec:
        moved = self._relocation.moved
        folders = spec.submodule_search_locations
        if spec.origin is None or not spec.has_location:
            if folders is not None:  # a namespace package
                spec.submodule_search_locations = _all(moved, folders)
            return spec
        there = moved(spec.origin)
        if there == spec.origin:
            return spec
        if not Path(there).is_file():
            raise ModuleNotFoundError(f"{there} is not in that commit", name=spec.name, path=there)
        submodules = None if folders is None else _all(moved, folders)
        found = importlib.util.spec_from_file_location(
            spec.name, there, submodule_search_locations=submodules
        )
        assert found is not None
        return found


def _all(moved: Callable[[str], str], folders: Iterable[str]) -> list[str]:
    return [moved(folder) for folder in folders]
