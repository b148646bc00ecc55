"""Describe a training to be measured, and name workloads so that another process can import them.

The worker imports a workload again by file and qualified name, so that traingate itself never
imports torch in pytest's process. This module imports the standard library only.
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
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from traingate.errors import WorkloadError
from traingate.imports.library_paths import is_library_path
from traingate.imports.module_files import import_file

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Dataset as TorchDataset


class MapStyleDataset(Protocol):
    """Map-style dataset: an object with a length, whose samples are read by index.

    It need not derive from ``torch.utils.data.Dataset``, so its module need not import torch.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


Dataset: TypeAlias = "MapStyleDataset | TorchDataset[Any]"
"""Dataset that ``torch.utils.data.DataLoader`` accepts, map-style or iterable."""


@dataclass(frozen=True)
class TrainingSetup:
    """Parts of one training, as in a script without any optimisation.

    A workload returns it. The worker puts *dataset*, *batch_size* and *collate_fn* into a
    ``torch.utils.data.DataLoader`` that does not shuffle, and each step is the body of the usual
    loop: fetch a batch, ``optimizer.zero_grad()``, forward, loss, ``loss.backward()``,
    ``optimizer.step()``.

    Attributes:
        model: Model in training mode, on the CPU, with parameters in float32.
        criterion: Loss function that returns a scalar tensor, called as ``criterion(model(x), y)``
            for a batch ``(x, y)``. With a ``train_step`` it may be None, and is only passed on as
            the third argument.
        optimizer: Optimizer over the parameters of ``model``.
        dataset: Dataset of single samples, map-style or iterable. Each sample is a pair ``(x, y)``
            of one input and its target, without a batch dimension, unless ``collate_fn`` or
            ``train_step`` accepts other samples. A dataset that is shorter than the measurement is
            read again from its start.
        batch_size: Samples per batch and so per step, at least 1. A shorter last batch is
            dropped, so ``dataset`` must have at least this many samples.
        collate_fn: Function that makes a batch from a list of samples, as in ``DataLoader``;
            None for the default of ``DataLoader``, which stacks tensors.
        train_step: Function called as ``train_step(model, batch, criterion)`` that returns the
            loss, a scalar tensor, for models that do not fit ``criterion(model(x), y)``. It
            replaces forward and loss only; backward and update follow as usual. It must call the
            model as ``model(...)``: layers may have wrapped the model, and a call of another of
            its methods bypasses the wrapper.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizer: torch.optim.Optimizer
    dataset: Dataset
    batch_size: int
    collate_fn: Callable[[list[Any]], Any] | None = None
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None


Workload = Callable[..., TrainingSetup]
"""Function at the top level of a module that builds one training.

Two of its parameters are filled in, if it has them: ``scale``, the name of the session's scale
(``smoke``, ``quick`` or ``seed``), and ``batch_size``, the samples per batch, if the stack has the
layer of that name. All other parameters need defaults.
"""


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


def build(workload: Workload, **arguments: object) -> TrainingSetup:
    """Return the training that *workload* builds.

    Args:
        workload: Workload to call.
        arguments: Arguments for the workload; those that it has no parameter for are left out.

    Raises:
        WorkloadError: If the workload does not return a ``TrainingSetup``.
    """
    parameters = inspect.signature(workload).parameters
    accepted_arguments = {key: value for key, value in arguments.items() if key in parameters}
    setup: object = workload(**accepted_arguments)
    if not isinstance(setup, TrainingSetup):
        name = getattr(workload, "__qualname__", repr(workload))
        raise WorkloadError(f"{name} returned {type(setup).__name__}, not a TrainingSetup")
    return setup


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
