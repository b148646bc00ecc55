"""Describe a training to be measured, and the workload with its arguments that returns it.

This module imports the standard library, and modules of traingate that do the same; traingate
itself never imports torch in pytest's process.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from traingate.errors import WorkloadError
from traingate.protocol.limits import MAX_OPTION_DEPTH, excess_of, too_deep
from traingate.workload import ObjectName, name_of

if TYPE_CHECKING:
    import torch
    from torch.utils.data import Dataset as TorchDataset

    from traingate.layers.step_context import StepContext


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
        model: Model in training mode, on the CPU, with parameters in float32. Several models that
            a ``step`` calls one by one, as in a GAN, are the members of a ``torch.nn.ModuleDict``.
        criterion: Loss function that returns a scalar tensor, called as ``criterion(model(x), y)``
            for a batch ``(x, y)``. With a ``train_step`` or a ``step`` it may be None, and is only
            passed on to it.
        optimizer: Optimizer over the parameters of ``model``; several of them, in a list or a
            tuple, if there is a ``step``. An optimizer that needs a closure, as LBFGS, gets one
            that evaluates the model on the batch again.
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
        step: Function called as ``step(context, batch)`` that takes a whole step of its own:
            ``zero_grad``, forward, loss, backward, update, and whatever else a step does
            (schedulers, clipping, a loss scaler). ``context`` is a ``traingate.StepContext``, whose
            parts the function must call so that layers can act on them. It returns the loss. It
            excludes ``train_step``.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer]
    dataset: Dataset
    batch_size: int
    collate_fn: Callable[[list[Any]], Any] | None = None
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None
    step: Callable[[StepContext, Any], Any] | None = None

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Return the optimizers as a list, also if there is only one."""
        optimizer: Any = self.optimizer
        return list(optimizer) if isinstance(optimizer, (list, tuple)) else [optimizer]


Workload = Callable[..., TrainingSetup]
"""Function at the top level of a module that builds one training.

Two of its parameters are filled in, if it has them: ``scale``, the name of the session's scale
(``smoke``, ``quick`` or ``seed``), and ``batch_size``, the samples per batch, if the stack has the
layer of that name. All other parameters need defaults, or arguments that the test gives.
"""


@dataclass(frozen=True)
class WorkloadName(ObjectName):
    """Name of a workload with the arguments that a test gives it.

    Attributes:
        arguments: Keyword arguments for the workload, as JSON represents them.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def identity(self, root: Path) -> str:
        """Return the identity of the function, with the arguments if there are any.

        An example is ``models.py::resnet(depth=50, width=64)``. The arguments are sorted by name.

        Args:
            root: Root directory of the project.
        """
        texts = [
            f"{name}={json.dumps(self.arguments[name], sort_keys=True)}"
            for name in sorted(self.arguments)
        ]
        return super().identity(root) + (f"({', '.join(texts)})" if texts else "")


def workload_name(workload: Callable[..., Any], arguments: Mapping[str, object]) -> WorkloadName:
    """Return the name of *workload* with its arguments, by which the worker can call it.

    Args:
        workload: Function at the top level of a module, or a ``functools.partial`` of one.
        arguments: Further keyword arguments, which replace those of the partial.

    Raises:
        WorkloadError: If the worker could not import the function, if the function has no parameter
            of that name, if JSON cannot represent an argument, or if it is too large.
    """
    given_arguments: dict[str, object] = {}
    if isinstance(workload, functools.partial):
        name = name_of(workload.func, "the workload of training_benchmark")
        given_arguments = {**_named(workload.func, workload.args), **workload.keywords}
        workload = workload.func
    else:
        name = name_of(workload, "the workload of training_benchmark")
    given_arguments |= arguments
    check_parameters(workload, given_arguments)
    json_arguments = {
        key: _json_argument(value, f"the argument {key} of {name.qualname}")
        for key, value in given_arguments.items()
    }
    return WorkloadName(name.file, name.module, name.qualname, json_arguments)


def check_parameters(workload: Callable[..., Any], arguments: Mapping[str, object]) -> None:
    """Check that *workload* has a parameter for each of *arguments*.

    Raises:
        WorkloadError: If it lacks one.
    """
    parameters = inspect.signature(workload).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in arguments:
        if name not in parameters:
            raise WorkloadError(
                f"{getattr(workload, '__qualname__', workload)} has no parameter {name!r}. It has "
                f"{', '.join(parameters) or 'none'}."
            )


def _named(function: Callable[..., Any], values: Sequence[object]) -> dict[str, object]:
    """Return positional arguments by the names of the parameters that take them.

    Raises:
        WorkloadError: If a parameter takes its arguments by position only.
    """
    signature = inspect.signature(function)
    try:
        bound_arguments = signature.bind_partial(*values).arguments
    except TypeError as error:
        raise WorkloadError(f"the partial of {function.__qualname__}: {error}") from error
    for name in bound_arguments:
        kind = signature.parameters[name].kind
        if kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY}:
            raise WorkloadError(
                f"the partial of {function.__qualname__} gives {name} by position only. The worker "
                "gets arguments by name: write the parameter so that it can be given by name."
            )
    return bound_arguments


def _json_argument(value: object, title: str) -> Any:
    """Return an argument as JSON restores it.

    Args:
        value: Argument of a workload.
        title: Description of the argument at the start of the error message.

    Raises:
        WorkloadError: If JSON would restore another value, or if it is too large for the worker.
    """
    try:
        json_value = _as_json(value, title)
        excess = excess_of(json_value)
    except RecursionError:
        excess = too_deep(MAX_OPTION_DEPTH)
    except ValueError as error:  # of an integer with thousands of digits
        raise WorkloadError(f"{title} cannot be written as JSON: {error}") from error
    if excess:
        raise WorkloadError(
            f"{title} has {excess}. Give the workload a size, a seed or the path of a file, and "
            "let it make or read the values itself."
        )
    return json_value


def _as_json(value: object, place: str) -> Any:
    """Return *value* as JSON restores it; a tuple becomes a list.

    Args:
        value: Argument of a workload, or a part of one.
        place: Description of the value at the start of the error message.

    Raises:
        WorkloadError: If JSON would restore another value, or none.
    """
    is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if value is None or isinstance(value, str) or is_number:
        if not isinstance(value, Enum):
            return value
    elif isinstance(value, (list, tuple)):
        return [_as_json(item, f"{place}[{number}]") for number, item in enumerate(value)]
    elif isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _as_json(item, f"{place}[{key!r}]") for key, item in value.items()}
    raise WorkloadError(
        f"{place} is {value!r}, which JSON cannot carry to the worker and into the record. Give "
        "numbers, strings, None, and lists or dicts of these, and build other objects inside the "
        "workload."
    )


def build(
    workload: Workload, arguments: Mapping[str, object], **offered_arguments: object
) -> TrainingSetup:
    """Return the training that *workload* builds.

    Args:
        workload: Workload to call.
        arguments: Arguments that the test gives.
        offered_arguments: Further arguments; those that the workload has no parameter for, or that
            the test gives itself, are left out.

    Raises:
        WorkloadError: If the workload has no parameter for one of *arguments*, or does not return
            a valid ``TrainingSetup``.
    """
    check_parameters(workload, arguments)
    parameters = inspect.signature(workload).parameters
    accepted_arguments = {
        key: value for key, value in offered_arguments.items() if key in parameters
    }
    setup: object = workload(**{**accepted_arguments, **arguments})
    if not isinstance(setup, TrainingSetup):
        name = getattr(workload, "__qualname__", repr(workload))
        raise WorkloadError(f"{name} returned {type(setup).__name__}, not a TrainingSetup")
    if setup.step is not None and setup.train_step is not None:
        raise WorkloadError("a TrainingSetup takes a step or a train_step, not both")
    if setup.step is None and len(setup.optimizers) != 1:
        raise WorkloadError(
            f"a TrainingSetup with {len(setup.optimizers)} optimizers needs a step of its own, "
            "which says when each of them updates"
        )
    return setup
