"""Name workloads and other module-level objects, so that another process can import them.

The worker imports a workload again by file and qualified name, so that traingate itself never
imports torch in pytest's process. This module imports the standard library,
and modules of traingate that do the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from traingate.errors import WorkloadError
from traingate.imports.library_paths import is_library_path
from traingate.imports.module_files import import_file


@dataclass(frozen=True)
class ObjectName:
    """Name of a module-level function or class, by which another process can import it.

    Attributes:
        file: Absolute path of the module's source file.
        module: Name under which this process imported the module.
        qualname: Qualified name within the module, without ``<locals>``.
    """

    file: str
    module: str
    qualname: str

    def identity(self, root: Path) -> str:
        """Return ``path/below/root.py::qualname``, which is the same in every clone of the project.

        Args:
            root: Root directory of the project. The name of the module replaces the path of a file
                outside of it.
        """
        path = Path(self.file)
        is_inside = path.is_relative_to(root)
        location = path.relative_to(root).as_posix() if is_inside else self.module
        return f"{location}::{self.qualname}"


def name_of(target: object, role: str) -> ObjectName:
    """Return the name of *target*, by which another process can import it.

    Args:
        target: Function or class at the top level of a module.
        role: Description of *target* at the start of the error message.

    Raises:
        WorkloadError: If another process could not import it.
    """
    qualname = getattr(target, "__qualname__", None)
    module = getattr(target, "__module__", None)
    is_bound = getattr(target, "__self__", None) is not None
    if not callable(target) or qualname is None or module is None:
        problem = f"{target!r} is not a function"
    elif "<" in qualname:
        problem = f"{qualname} is defined inside another function"
    elif is_bound:
        problem = f"{qualname} is a method of an object"
    else:
        file = _source_file(target, module)
        if file is not None:
            return ObjectName(str(Path(file).resolve()), module, qualname)
        problem = f"{qualname} has no source file"
    remedy = "Define it at the top level of a module: the worker process imports it from there."
    raise WorkloadError(f"{role}: {problem}. {remedy}")


def _source_file(target: Callable[..., Any], module: str) -> str | None:
    """Return the source file of *target*, or None.

    A function's code names its file. ``sys.modules`` is less reliable: all conftest files share
    one name in it.
    """
    code = getattr(inspect.unwrap(target), "__code__", None)
    if code is not None:
        file: str = code.co_filename
        return file if Path(file).is_file() else None
    return getattr(sys.modules.get(module), "__file__", None)


def import_object(name: ObjectName) -> Any:
    """Return the function or class of this name, importing its module into this process.

    Raises:
        WorkloadError: If the file is not a Python module, or has no such attribute.
    """
    target: Any = _import_module(name)
    try:
        for attribute in name.qualname.split("."):
            target = getattr(target, attribute)
    except AttributeError as error:
        raise WorkloadError(f"{name.file} has no {name.qualname} at its top level") from error
    return target


def _import_module(name: ObjectName) -> ModuleType:
    """Return the module of *name*, imported by its name if that leads to its file."""
    # Under the name "__main__", a script would run its ``if __name__ == "__main__"`` block.
    module_name = "__mp_main__" if name.module == "__main__" else name.module
    loaded_module = sys.modules.get(module_name)
    if loaded_module is not None and getattr(loaded_module, "__file__", None) == name.file:
        return loaded_module
    if name.module != "__main__":
        try:
            spec = importlib.util.find_spec(name.module)
        except (ImportError, ValueError):
            spec = None
        if spec is not None and spec.origin and Path(spec.origin).resolve() == Path(name.file):
            return importlib.import_module(name.module)
    # The module cannot be imported by its name (pytest's importlib mode), or another file has it.
    try:
        return import_file(module_name, name.file)
    except ImportError as error:
        if Path(name.file).suffix != ".py":
            raise WorkloadError(f"{name.file} is not a Python module") from error
        raise


def project_paths(search_path: Sequence[str]) -> list[str]:
    """Return the folders of *search_path* that belong to the project, not to the interpreter.

    pytest puts the folders of test files and conftest files on ``sys.path``. The worker needs
    these too, and finds libraries by the search path of its own interpreter.

    Args:
        search_path: Entries of ``sys.path``; an empty one stands for the working directory.

    Returns:
        Absolute paths of the existing folders outside of all library folders, in their order.
    """
    folders = [Path(entry or ".").resolve() for entry in search_path]
    return [str(path) for path in folders if path.is_dir() and not is_library_path(path)]
