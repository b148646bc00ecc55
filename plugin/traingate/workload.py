"""What a user hands to traingate: a training to be measured, and its name across processes.

The parent names a workload by file and qualified name; only the worker imports it, so
that the parent never loads torch. Standard library only.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from traingate.errors import WorkloadError

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Dataset as TorchDataset


class MapStyle(Protocol):
    """A dataset with a length, whose items are found by number; it need not import torch."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Dataset: TypeAlias = "MapStyle | TorchDataset[Any]"
"""What ``torch.utils.data.DataLoader`` takes, iterable datasets among them."""


@dataclass(frozen=True)
class TrainingSetup:
    """One training, plain: the parts of the unoptimised script.

    Attributes:
        model: in training mode, on the CPU, in fp32.
        criterion: called as ``criterion(model(x), y)``; unused where ``train_step`` is given.
        optimizer: over the model's parameters.
        dataset: of samples, map-style or iterable; it may be shorter than the measurement,
            and then starts again.
        batch_size: samples per batch. Every batch is full: a shorter last one is dropped.
        collate_fn: as in ``torch.utils.data.DataLoader``.
        train_step: ``train_step(model, batch, criterion)`` returning the loss (a scalar
            tensor), for models that do not fit ``criterion(model(x), y)``.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizer: torch.optim.Optimizer
    dataset: Dataset
    batch_size: int
    collate_fn: Callable[[list[Any]], Any] | None = None
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None


Workload = Callable[..., TrainingSetup]


@dataclass(frozen=True)
class ObjectName:
    """A module-level function or class, named so that another process finds it.

    Attributes:
        file: absolute path of its module.
        module: the name that this process imported the module by.
        qualname: as Python has it, without ``<locals>``.
    """

    file: str
    module: str
    qualname: str

    def identity(self, root: Path) -> str:
        """``path/below/root.py::name``: the same in every clone of the project."""
        path = Path(self.file)
        inside = path.is_relative_to(root)
        where = path.relative_to(root).as_posix() if inside else self.module
        return f"{where}::{self.qualname}"


def name_of(target: object, what: str) -> ObjectName:
    """The name of ``target``, a module-level function or class.

    Args:
        target: the function or class.
        what: how the error calls it.

    Raises:
        WorkloadError: if another process could not import it.
    """
    qualname = getattr(target, "__qualname__", None)
    module = getattr(target, "__module__", None)
    bound = getattr(target, "__self__", None) is not None
    if not callable(target) or qualname is None or module is None:
        problem = f"{target!r} is no function"
    elif "<" in qualname:
        problem = f"{qualname} is defined inside another function"
    elif bound:
        problem = f"{qualname} is a method of an object"
    else:
        file = _file_of(target, module)
        if file is not None:
            return ObjectName(str(Path(file).resolve()), module, qualname)
        problem = f"{qualname} has no source file"
    remedy = "Define it at the top level of a module: the worker process imports it from there."
    raise WorkloadError(f"{what}: {problem}. {remedy}")


def _file_of(target: Callable[..., Any], module: str) -> str | None:
    """The source file of ``target``; in ``sys.modules`` all conftest files share one name."""
    code = getattr(inspect.unwrap(target), "__code__", None)
    if code is not None:
        file: str = code.co_filename
        return file if Path(file).is_file() else None
    return getattr(sys.modules.get(module), "__file__", None)


def import_object(name: ObjectName) -> Any:
    """The object that ``name`` names, imported into this process.

    Raises:
        WorkloadError: if its module has no such attribute.
    """
    found: Any = _module(name)
    try:
        for attribute in name.qualname.split("."):
            found = getattr(found, attribute)
    except AttributeError as error:
        raise WorkloadError(f"{name.file} has no {name.qualname} at its top level") from error
    return found


def _module(name: ObjectName) -> ModuleType:
    # A script's own name would run what it guards by ``if __name__ == "__main__"``.
    imported_as = "__mp_main__" if name.module == "__main__" else name.module
    loaded = sys.modules.get(imported_as)
    if loaded is not None and getattr(loaded, "__file__", None) == name.file:
        return loaded
    if name.module != "__main__":
        try:
            spec = importlib.util.find_spec(name.module)
        except (ImportError, ValueError):
            spec = None
        if spec is not None and spec.origin and Path(spec.origin).resolve() == Path(name.file):
            return importlib.import_module(name.module)
    # Not importable by its name (pytest's importlib mode), or another file has that name.
    spec = importlib.util.spec_from_file_location(imported_as, name.file)
    if spec is None or spec.loader is None:
        raise WorkloadError(f"{name.file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[imported_as] = module
    spec.loader.exec_module(module)
    return module


def build(workload: Workload, **offered: object) -> TrainingSetup:
    """Call ``workload`` with those of the ``offered`` arguments that it has parameters for.

    Raises:
        WorkloadError: if it returns something else than a TrainingSetup.
    """
    parameters = inspect.signature(workload).parameters
    setup: object = workload(**{key: value for key, value in offered.items() if key in parameters})
    if not isinstance(setup, TrainingSetup):
        name = getattr(workload, "__qualname__", repr(workload))
        raise WorkloadError(f"{name} returned {type(setup).__name__}, not a TrainingSetup")
    return setup


def project_paths(search_path: Sequence[str]) -> list[str]:
    """Those entries of ``search_path`` that are the project's, not the interpreter's.

    pytest puts the folders of test files and conftest files on ``sys.path``; the worker
    needs them too, and has the libraries of its own interpreter.
    """
    kinds = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    libraries = {Path(sysconfig.get_path(kind)).resolve() for kind in kinds}
    kept = []
    for entry in search_path:
        path = Path(entry or ".").resolve()
        foreign = any(path.is_relative_to(library) for library in libraries)
        if path.is_dir() and not foreign and "site-packages" not in path.parts:
            kept.append(str(path))
    return kept
