"""Import modules that no search path leads to, under the names that another process gave them.

pytest's importlib mode imports a test file as ``tests.test_speed`` without its folder on
``sys.path``. The worker and its data workers import it under the same name: only then do its
relative imports work, and can its classes be pickled. They may run under another interpreter, so
this module imports the standard library alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


def import_file(module: str, file: str) -> ModuleType:
    """Return the module *module*, imported from *file* with the packages around it.

    Args:
        module: Name of the module, with those of its packages.
        file: Absolute path of its source.
    """
    files = {**_packages_of(module, Path(file)), module: file}
    for name, path in files.items():
        loaded_module = sys.modules.get(name)
        if loaded_module is not None and not _is_from(loaded_module, path):
            del sys.modules[name]
    find_by_file(files)
    if "." in module and len(files) == 1 and module not in sys.modules:
        return _execute(module, file)
    return importlib.import_module(module)


def find_by_file(files: Mapping[str, str]) -> None:
    """Let this process find modules by their files.

    Args:
        files: Source file by the name of the module; for a package without one, its folder.
    """
    _finder.files.update(files)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def files_by_name() -> dict[str, str]:
    """Return the files given to ``find_by_file`` so far."""
    return dict(_finder.files)


class _FileFinder(MetaPathFinder):
    """Finder of modules by their files.

    Attributes:
        files: Source file by the name of the module; for a package without one, its folder.
    """

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def find_spec(
        self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module with a known file, else None."""
        file = self.files.get(name)
        if file is None:
            return None
        if Path(file).is_dir():
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [file]
            return spec
        is_package = Path(file).name == "__init__.py"
        folders = [str(Path(file).parent)] if is_package else None
        return importlib.util.spec_from_file_location(
            name, file, submodule_search_locations=folders
        )


_finder = _FileFinder()


def _execute(module: str, file: str) -> ModuleType:
    """Return the module, executed without its packages: it was not named after its folders."""
    spec = importlib.util.spec_from_file_location(module, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python module", name=module, path=file)
    new_module = importlib.util.module_from_spec(spec)
    sys.modules[module] = new_module
    try:
        spec.loader.exec_module(new_module)
    except BaseException:
        sys.modules.pop(module, None)
        raise
    return new_module


def _packages_of(module: str, file: Path) -> dict[str, str]:
    """Return the files of the packages around a module, if its folders have their names.

    pytest replaces the dots in a folder's name: ``.ci/test_speed.py`` is ``_ci.test_speed``.
    """
    folder = file.parent.parent if file.name == "__init__.py" else file.parent
    packages: dict[str, str] = {}
    name = module
    while "." in name:
        name = name.rpartition(".")[0]
        if folder.name.replace(".", "_") != name.rpartition(".")[2]:
            return {}
        source = folder / "__init__.py"
        packages[name] = str(source if source.is_file() else folder)
        folder = folder.parent
    return dict(reversed(packages.items()))


def _is_from(module: ModuleType, path: str) -> bool:
    """Return whether a module was loaded from a file, or has a folder as a package."""
    return path == getattr(module, "__file__", None) or path in getattr(module, "__path__", ())
