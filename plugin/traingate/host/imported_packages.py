"""Find the distributions that this process has imported, and where local ones come from.

The worker calls this after its last step, because a step may import modules too. It
imports the standard library, and modules of traingate that do the same.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from traingate.host.module_contents import digest_of, digest_of_modules
from traingate.host.packages import Distribution, distributions
from traingate.host.shared_libraries import loaded_libraries
from traingate.imports.library_paths import is_package_path
from traingate.untrusted.masking import masked_text

UNVERSIONED: Final = "unversioned"
"""Version of modules that belong to no distribution."""

_NOT_IMPORTED: Final = re.compile(
    r"__main__|__mp_main__|traingate"
    r"|__editable__.*|_editable_impl_.*|_\w+_editable(_loader)?|_virtualenv|_distutils_hack"
)
"""Names of the worker's own modules, and of import hooks that an interpreter loads when it starts.

The version of traingate is a fact of its own, because a worker under another interpreter imports
traingate without its distribution.
"""

_TOP_LEVEL_ENTRY: Final = re.compile(r'^"?([^/,\n]+)', re.MULTILINE)
"""First part of a path in RECORD, a file of comma-separated values."""


@dataclass(frozen=True)
class Project:
    """Project that is measured. Its modules are code, and not environment.

    Attributes:
        folders: Absolute paths of its folders. Libraries that are installed below them, as in a
            virtual environment, do not belong to the project.
        names: Normalized names of its distributions, which may be installed as copies.
    """

    folders: tuple[str, ...]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ImportedPackages:
    """Distributions of an interpreter, divided into imported and other ones.

    Attributes:
        versions: Versions of the imported distributions, by normalized name. Modules outside of the
            project that belong to no distribution have the name of their top-level module, and the
            version ``unversioned``.
        sources: Origins of those among them that do not come from a package index, by name:
            ``from`` is a folder or an address, and ``digest`` identifies the content.
        other_versions: Versions of the installed distributions that were not imported.
    """

    versions: dict[str, str]
    sources: dict[str, dict[str, str]]
    other_versions: dict[str, str]


def imported_packages(project: Project) -> ImportedPackages:
    """Return the distributions that this process has imported, without those of *project*."""
    places = _Places(project)
    candidates = list(distributions())
    installed = [item for item in candidates if not places.is_project_distribution(item)]
    owners = _Owners(candidates)
    modules_by_distribution: dict[Distribution, list[tuple[str, str]]] = defaultdict(list)
    loose_modules: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, file in _modules():
        owner = owners.owner_of(file)
        if owner is not None:
            modules_by_distribution[owner].append((name, file))
        elif places.is_loose(name, file):
            loose_modules[name.partition(".")[0]].append((name, file))
    versions, sources = {}, {}
    for item in _distributions_of_libraries(candidates):
        versions[item.name] = item.version
    for item in installed:
        if item in modules_by_distribution:
            versions[item.name] = item.version
            source = _source(item, modules_by_distribution[item], places)
            if source:
                sources[item.name] = source
    for name, modules in loose_modules.items():
        versions[name] = UNVERSIONED
        folder = places.search_folder(modules[0][1])
        sources[name] = {"from": folder, "digest": digest_of_modules(modules)}
    other = {item.name: item.version for item in installed if item.name not in versions}
    return ImportedPackages(
        dict(sorted(versions.items())), dict(sorted(sources.items())), dict(sorted(other.items()))
    )


def _modules() -> list[tuple[str, str]]:
    """Return the names and the absolute paths of the modules that the training has imported."""
    modules = []
    for name, module in list(sys.modules.items()):
        if _NOT_IMPORTED.fullmatch(name.partition(".")[0]):
            continue
        # The attribute of a lazy module could start an import, so its dictionary is read.
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and file.startswith("/"):
            modules.append((name, file))
    return modules


def _distributions_of_libraries(candidates: Iterable[Distribution]) -> list[Distribution]:
    """Return the distributions that have a loaded library in the environment's ``lib``.

    These are libraries without a Python module, such as Intel's OpenMP runtime and its MKL.
    """
    folder = str(Path(sys.prefix) / "lib")
    names = {path.name for path in loaded_libraries() if str(path.parent) == folder}
    endings = [f"{place}/{name}," for name in names for place in ("../..", "/lib")]
    return [item for item in candidates if any(ending in item.record for ending in endings)]


class _Places:
    """Folders by which a file belongs to the project, to a library, or to neither."""

    def __init__(self, project: Project) -> None:
        self._project_names = project.names
        self._project_folders = tuple(_with_slash(folder) for folder in project.folders)
        kinds = ("stdlib", "platstdlib", "purelib", "platlib")
        self._library = tuple({_with_slash(sysconfig.get_path(kind)) for kind in kinds})
        self._standard_library = tuple(
            _with_slash(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")
        )
        entries = {_with_slash(str(Path(entry).absolute())) for entry in sys.path}
        self._search_path = sorted(entries, key=len, reverse=True)

    def is_library_folder(self, folder: str) -> bool:
        """Return whether packages of an index are installed into this folder."""
        return is_package_path(Path(folder)) or _with_slash(folder).startswith(self._library)

    def is_project_distribution(self, item: Distribution) -> bool:
        """Return whether a distribution is one of the project.

        An archive may lie in the project without being built from it.
        """
        folder = item.local_source if "dir_info" in item.direct_url else item.folder
        return item.name in self._project_names or self._is_project_path(folder)

    def is_loose(self, name: str, file: str) -> bool:
        """Return whether the module of a file outside of all distributions is environment.

        Modules that were found without the search path are generated ones, such as extensions that
        the project has built, and kernels of a compiler.
        """
        folder = self.search_folder(file)
        if name.startswith("_") and self.is_library_folder(folder):
            return False  # installers put such modules of their own into library folders
        if not is_package_path(Path(file)) and file.startswith(self._standard_library):
            return False
        return bool(folder) and not self._is_project_path(file)

    def search_folder(self, file: str) -> str:
        """Return the entry of the search path that holds *file*; empty if there is none."""
        for folder in self._search_path:
            if file.startswith(folder):
                return folder.rstrip("/")
        return ""

    def _is_project_path(self, path: str) -> bool:
        is_below = _with_slash(path).startswith(self._project_folders)
        return is_below and not self.is_library_folder(path)


class _Owners:
    """Owners of files, by the distributions' lists of their files.

    Args:
        candidates: Distributions of this interpreter.
    """

    def __init__(self, candidates: Sequence[Distribution]) -> None:
        self._claims: dict[str, dict[str, list[Distribution]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for item in candidates:
            entries = self._claims[_with_slash(item.folder)]
            for name in _top_level_entries(item):
                entries[name].append(item)
        editable = [item for item in candidates if item.is_editable]
        # The innermost folder is the most specific one.
        self._editable = sorted(editable, key=lambda item: len(item.local_source), reverse=True)
        self._owners_of_folders: dict[tuple[str, str], Distribution] = {}

    def owner_of(self, file: str) -> Distribution | None:
        """Return the distribution that *file* belongs to, None if there is none."""
        for folder, entries in self._claims.items():
            if not file.startswith(folder):
                continue
            path = file[len(folder) :]
            claimants = entries.get(path.partition("/")[0], [])
            if len(claimants) == 1:
                return claimants[0]
            if claimants:  # they share a namespace package
                key = (folder, path.rpartition("/")[0])
                if key not in self._owners_of_folders:
                    self._owners_of_folders[key] = _owner_by_record(claimants, path)
                return self._owners_of_folders[key]
        for item in self._editable:
            if file.startswith(_with_slash(item.local_source)) and not is_package_path(Path(file)):
                return item
        return None


def _owner_by_record(claimants: Sequence[Distribution], path: str) -> Distribution:
    """Return the distribution whose list of files has *path*, else the first one."""
    for item in claimants:
        if item.record.startswith(f"{path},") or f"\n{path}," in item.record:
            return item
    return claimants[0]


def _top_level_entries(item: Distribution) -> set[str]:
    """Return the names of the files and folders that a distribution has in its folder."""
    names = set(_TOP_LEVEL_ENTRY.findall(item.record))
    if not item.record:  # distributors such as Debian remove the list
        for name in item.top_level_modules or [item.name.replace("-", "_")]:
            names |= {name, f"{name}.py"}
    return names - {"..", "__pycache__"}


def _source(
    item: Distribution, modules: Sequence[tuple[str, str]], places: _Places
) -> dict[str, str]:
    """Return where a distribution comes from and what identifies it; empty for an index's."""
    direct_url = item.direct_url
    if not direct_url:
        if places.is_library_folder(item.folder):
            return {}
        return {"from": item.folder, "digest": digest_of_modules(modules)}
    if item.is_editable:
        return {"from": f"editable {item.local_source}", "digest": digest_of_modules(modules)}
    commit = _section(direct_url, "vcs_info").get("commit_id")
    digest = str(commit or _hash_of_archive(direct_url) or _digest_of_record(item))
    return {"from": masked_text(str(direct_url.get("url", ""))), "digest": digest}


def _hash_of_archive(direct_url: Mapping[str, object]) -> object:
    """Return the hash of an archive in the form ``sha256=...``, None if there is none."""
    section = _section(direct_url, "archive_info")
    hashes = _section(section, "hashes")
    return section.get("hash") or next((f"{kind}={text}" for kind, text in hashes.items()), None)


def _section(content: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return a section of ``direct_url.json`` (PEP 610); empty if it is not there."""
    section = content.get(name)
    return section if isinstance(section, dict) else {}


def _digest_of_record(item: Distribution) -> str:
    """Return a digest of the hashes that the installer recorded for a distribution's files."""
    lines = item.record.splitlines()
    return digest_of(line for line in lines if ".dist-info/" not in line and "../" not in line)


def _with_slash(folder: str) -> str:
    """Return a folder with a slash at its end, so that it is a prefix of no other folder."""
    return folder if folder.endswith("/") else f"{folder}/"
