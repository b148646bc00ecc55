"""Define the recipe of a layer: the lines that a plain script needs to train as under the layer.

A recipe does what ``Layer.apply`` does, in source code that uses nothing of traingate. Its lines
call the parts of a training by these names: ``model``, ``criterion``, ``optimizer``, ``dataset``,
``loader``, ``inputs``, ``targets``, ``batch`` (of any structure) and ``loss``.

The worker imports this module too, so it imports nothing but traingate and the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Protocol, runtime_checkable

from traingate.layers.base import ProcessRequest

PAIR: Final = "pair"
"""Kind of step that calls ``criterion(model(inputs), targets)``."""

TRAIN_STEP: Final = "train_step"
"""Kind of step whose loss comes from the workload's ``train_step(model, batch, criterion)``."""

OWN_STEP: Final = "step"
"""Kind of step that is the workload's own ``step(context, batch)``."""

_BINDING_VARIABLES: Final = {"OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"}
"""Variables with which OpenMP binds threads to cores."""


@dataclass(frozen=True)
class TrainingForm:
    """Parts that a workload's training has, as its ``TrainingSetup`` tells.

    Attributes:
        step: Kind of its step: ``PAIR``, ``TRAIN_STEP`` or ``OWN_STEP``.
        has_collate_fn: Whether it makes batches by a ``collate_fn`` of its own.
        needs_closure: Whether its optimizer evaluates a closure, as LBFGS.
        has_several_models: Whether its model is a ``torch.nn.ModuleDict`` of several.
        has_several_optimizers: Whether it has more than one optimizer.
    """

    step: str = PAIR
    has_collate_fn: bool = False
    needs_closure: bool = False
    has_several_models: bool = False
    has_several_optimizers: bool = False


@dataclass(frozen=True)
class Surroundings:
    """Facts about a stack that the recipes of its layers depend on.

    Attributes:
        layers: Names of all layers of the stack.
        request: Merged request of the stack for how the process is started.
    """

    layers: frozenset[str] = frozenset()
    request: ProcessRequest = field(default_factory=ProcessRequest)

    @property
    def binds_threads(self) -> bool:
        """Return whether OpenMP binds the main thread to a single core.

        ``torch.backends.xeon.run_cpu`` sets ``KMP_AFFINITY`` for Intel's OpenMP, and ipexrun sets
        ``OMP_PROC_BIND``.
        """
        run_cpu, ranks = self.request.run_cpu, self.request.ranks
        launcher_binds = (run_cpu is not None and run_cpu.intel_openmp) or (
            ranks is not None and ranks.launcher == "ipexrun"
        )
        return launcher_binds or not _BINDING_VARIABLES.isdisjoint(self.request.environment)


@dataclass(frozen=True)
class Recipe:
    """Lines of a plain script, by the place where they go. The places are in the script's order.

    Attributes:
        imports: Import statements.
        before_torch: Statements before torch is imported.
        after_torch: Statements after torch is imported and before any other module that uses it.
        functions: Definitions of functions, each of several lines.
        at_start: Statements before the model is built.
        model: Statements once model and criterion are built, before the optimizer is; they may
            rebind ``model``.
        optimizer: Keyword arguments of the optimizer, as source code by name.
        optimized: Statements once the optimizer is built, which may rebind ``model`` and
            ``optimizer``. If there are several models, they are for each of them.
        each_optimizer: Statements after these, for each ``optimizer``.
        loss_scaler: Expression that makes a ``torch.amp.GradScaler``; empty for none.
        loader: Keyword arguments of the ``DataLoader``, as source code by name.
        tensor_changes: Names of functions from a tensor to the one that replaces it, applied to all
            tensors of a batch in this order.
        contexts: Expressions that make context managers, entered around forward and loss.
        forward_wrappers: Expressions of functions from the function of forward and loss to the one
            that is called in its place.
        step_wrappers: Expressions of functions from the function of the step (forward, loss,
            backward, update) to the one that is called in its place.
        step_end: Statements at the end of each step.
        accumulation: Number of batches whose gradients are added up for one update.
        accumulation_context: Expression of the context manager around forward and backward of
            batches that no update follows; empty for none.
        at_end: Statements after the last step.
        packages: Names of distributions that the lines import, besides torch.
        installs: Shell commands that install other requirements.
    """

    imports: tuple[str, ...] = ()
    before_torch: tuple[str, ...] = ()
    after_torch: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    at_start: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    optimizer: Mapping[str, str] = field(default_factory=dict)
    optimized: tuple[str, ...] = ()
    each_optimizer: tuple[str, ...] = ()
    loss_scaler: str = ""
    loader: Mapping[str, str] = field(default_factory=dict)
    tensor_changes: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    forward_wrappers: tuple[str, ...] = ()
    step_wrappers: tuple[str, ...] = ()
    step_end: tuple[str, ...] = ()
    accumulation: int = 1
    accumulation_context: str = ""
    at_end: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    installs: tuple[str, ...] = ()

    def and_then(self, other: Recipe) -> Recipe:
        """Return both recipes merged; where they disagree, *other* wins.

        Args:
            other: Recipe of a later layer, whose lines come after those of this one at each place.
        """
        return Recipe(**{each.name: _merged(self, other, each.name) for each in fields(Recipe)})


_ONCE: Final = {"imports", "functions", "packages", "installs"}
"""Fields whose items are needed once, however many layers have them."""


def _merged(first: Recipe, second: Recipe, name: str) -> Any:
    """Return the value of one field of both recipes."""
    value, later_value = getattr(first, name), getattr(second, name)
    if name in _ONCE:
        return tuple(dict.fromkeys((*value, *later_value)))
    if isinstance(value, tuple):
        return value + later_value
    if isinstance(value, Mapping):
        return {**value, **later_value}
    if isinstance(value, int):
        return max(value, later_value)
    return later_value or value


@runtime_checkable
class RecipeProvider(Protocol):
    """Protocol of a layer that can be had in a plain script, without traingate."""

    def recipe(self, surroundings: Surroundings) -> Recipe:
        """Return the lines that do in a script what ``apply`` does to a training.

        Environment variables, preloads and launchers are no part of them: ``process()`` requests
        these.

        Args:
            surroundings: Facts about the stack of the layer.
        """
