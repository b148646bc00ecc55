"""Define the training under construction, which layers change in the worker.

The worker imports this module under an interpreter that may have nothing but torch installed, so
the module imports nothing but traingate and the standard library.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from traingate.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

    from traingate.layers.step_context import StepContext
    from traingate.training_setup import Dataset


StepBody: TypeAlias = "Callable[[Any], torch.Tensor]"
"""Function from a batch to its loss that does forward, loss, backward and the optimizer's step."""


@dataclass
class Training:
    """Training under construction in the worker, which ``Layer.apply`` changes in place.

    The worker fills the first seven fields from the workload's ``TrainingSetup``. Then the layers
    of the stack change the training, in the order of the stack. The timed step fetches a batch,
    applies ``batch_transforms``, calls ``zero_grad()`` of the optimizer, and then runs the body:
    forward and loss inside ``contexts``, backward, and the optimizer's step. A workload's own
    ``step`` replaces ``zero_grad()`` and the body, and reaches the same parts through its
    ``traingate.StepContext``.

    Attributes:
        model: Model in training mode, on the CPU, with parameters in float32 unless a layer has
            changed that. The members of a ``torch.nn.ModuleDict`` are models of their own, see
            ``replace_models``.
        criterion: Loss function, called as ``criterion(model(x), y)`` and returning a scalar
            tensor; None only if ``train_step`` or ``step`` is set.
        optimizers: Optimizers over the parameters of ``model``. Schedulers, loss scalers and a
            workload's own step may hold them, so a layer should change them in place. A layer that
            replaces parameters must also replace them in the lists of ``param_groups``.
        dataset: Dataset of single samples, map-style or iterable.
        batch_size: Samples per batch in this process, which is one rank of a process group.
        train_step: Function called as ``train_step(model, batch, criterion)`` that returns the
            loss, a scalar tensor; None for ``criterion(model(x), y)``.
        step: Whole step of the workload, called as ``step(context, batch)``; None for the usual
            one.
        loader_options: Keyword arguments of the ``torch.utils.data.DataLoader``, except for
            ``dataset`` and ``batch_size``. ``collate_fn`` is the workload's, and ``drop_last`` is
            True unless it is set here.
        batch_transforms: Functions from a batch to a batch, applied in this order to each batch.
            Their time counts as part of the step.
        contexts: Functions without arguments that return a context manager. Each forward calls them
            and enters the results, in this order, around forward and loss.
        forward_wrappers: Functions from a function to the one that is called in its place, applied
            in this order to each function that computes forward and loss.
        accumulation_contexts: Functions without arguments that return a context manager, entered
            around forward and backward of the batches that no update follows.
        loss_scaler: Scaler of the loss, with the methods of ``torch.amp.GradScaler``; None for no
            scaling.
        skipped_updates: Number of updates that the scaler has left out so far, because gradients
            had overflowed.
        accumulation: Number of batches in one step, whose gradients are added up for one update.
        closure_obstacles: Reasons why an optimizer must not be given a closure, a clause each.
        step_wrappers: Functions from one ``StepBody`` to another, applied to the body once, in
            this order, so that the last one is the outermost.
        has_phases: False if forward, backward and update cannot be timed one by one, because they
            are compiled into one function or run asynchronously.
        precision: Name of the torch dtype that the model computes in: ``float32``, ``bfloat16``
            or ``float16``.
        cores: Numbers of the CPU cores that this process may use. The main thread may be bound to
            a single one of them, and a data worker, which is forked from it, has to undo that.
    """

    model: torch.nn.Module
    criterion: Callable[..., torch.Tensor] | None
    optimizers: list[torch.optim.Optimizer]
    dataset: Dataset
    batch_size: int
    train_step: Callable[[torch.nn.Module, Any, Any], torch.Tensor] | None = None
    step: Callable[[StepContext, Any], Any] | None = None
    loader_options: dict[str, Any] = field(default_factory=dict)
    batch_transforms: list[Callable[[Any], Any]] = field(default_factory=list)
    contexts: list[Callable[[], AbstractContextManager[Any]]] = field(default_factory=list)
    forward_wrappers: list[Callable[[Any], Any]] = field(default_factory=list)
    accumulation_contexts: list[Callable[[], AbstractContextManager[Any]]] = field(
        default_factory=list
    )
    loss_scaler: Any = None
    skipped_updates: int = 0
    accumulation: int = 1
    closure_obstacles: list[str] = field(default_factory=list)
    step_wrappers: list[Callable[[StepBody], StepBody]] = field(default_factory=list)
    has_phases: bool = True
    precision: str = "float32"
    cores: frozenset[int] = frozenset()

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Return the only optimizer.

        Raises:
            ConfigurationError: If there are several.
        """
        if len(self.optimizers) != 1:
            raise ConfigurationError(
                f"the training has {len(self.optimizers)} optimizers, and a layer or step asks for "
                "the only one: use optimizers"
            )
        return self.optimizers[0]

    @optimizer.setter
    def optimizer(self, optimizer: torch.optim.Optimizer) -> None:
        if self.step is not None:
            raise ConfigurationError(
                "a layer replaces the optimizer, and the workload's own step may hold the old one: "
                "change the optimizer in place"
            )
        self.optimizers[:] = [optimizer]

    def models(self) -> dict[str, torch.nn.Module]:
        """Return the models by name: the members of a ``ModuleDict``, or the only one, named ''."""
        from torch import nn  # noqa: PLC0415 - only in the worker

        if isinstance(self.model, nn.ModuleDict):
            return dict(self.model.items())
        return {"": self.model}

    def replace_models(self, change: Callable[[Any], Any]) -> None:
        """Replace each model by the result of *change*, such as a wrapper around it.

        Args:
            change: Function from a model to the one that replaces it.
        """
        from torch import nn  # noqa: PLC0415 - only in the worker

        for name, model in self.models().items():
            new_model = change(model)
            if isinstance(self.model, nn.ModuleDict):
                self.model[name] = new_model
            else:
                self.model = new_model
