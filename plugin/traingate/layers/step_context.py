"""Take one training step through the parts that layers act on: forward, backward and update.

The usual step and a workload's own step both call these parts of ``StepContext``, so that a layer
need not know which of them it changes. The worker imports this module under an interpreter that may
have nothing but torch installed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial, wraps
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakSet

from traingate.errors import ConfigurationError, WorkloadError
from traingate.layers.losses import check_loss, check_pair, pair_loss

if TYPE_CHECKING:
    import torch

    from traingate.layers.training import Training

# Modules can be called too, and are arguments of other updates, such as that of an average.
_CLOSURE_TYPES = (FunctionType, MethodType, partial)


class StepContext:
    """Parts of a training step, which a workload's own ``step(context, batch)`` calls.

    Layers act on these parts: autocast on ``forward``, compilers on ``forward`` and ``update``,
    DistributedDataParallel on ``model`` and ``accumulating``. Anything that a step computes outside
    of them is measured, but no layer can change it. A first step that never calls ``forward``, or
    never calls ``backward``, is refused.

    Args:
        training: Training to which all layers have been applied.
        end_phase: Function that adds the time since its last call to the phase that it is given;
            None if the phases of the step cannot be told apart.
    """

    def __init__(self, training: Training, end_phase: Callable[[str], None] | None = None) -> None:
        self._training = training
        self._end_phase = end_phase
        self._phase = "other"
        self._forward_functions: dict[Any, Callable[..., Any]] = {}
        self._seen_functions: WeakSet[Any] = WeakSet()
        self._called_parts: set[str] = set()
        self._is_checked = False
        self._accumulated = 0  # batches since the last update
        self._needs_closure = any(map(requires_closure, training.optimizers))
        if training.step is not None and training.closure_obstacles:
            for optimizer in training.optimizers:
                self._guard_step(optimizer)

    @property
    def model(self) -> Any:
        """Return the model, as layers have wrapped it; a ``ModuleDict`` if the workload has one.

        A step must call this model, or the members of the ``ModuleDict``: the model that the
        workload built may lack the layers.
        """
        return self._training.model

    @property
    def criterion(self) -> Any:
        """Return the criterion, which may have been moved to another device."""
        return self._training.criterion

    @property
    def optimizers(self) -> tuple[torch.optim.Optimizer, ...]:
        """Return the optimizers, in the order of ``TrainingSetup.optimizer``."""
        return tuple(self._training.optimizers)

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """Return the only optimizer.

        Raises:
            ConfigurationError: If there are several.
        """
        return self._training.optimizer

    def forward(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return ``function(*arguments, **options)``, computed as forward and loss.

        It runs under autocast and is compiled, if the stack has these layers. A step may call it
        several times, for example once for each loss.

        Args:
            function: Model, or a function that calls models and returns a loss. Defined at the top
                level of a module, it is compiled once; a function that is defined in the step is
                looked at anew in each step.
            arguments: Positional arguments of the function.
            options: Keyword arguments of the function.
        """
        self._note_call("forward")
        function = self._wrapped(function)

        def evaluate() -> Any:
            with ExitStack() as contexts:
                for context in self._training.contexts:
                    contexts.enter_context(context())
                return function(*arguments, **options)

        return self._timed("forward", evaluate)

    def backward(self, loss: Any, **options: Any) -> None:
        """Call ``loss.backward(**options)``.

        Args:
            loss: Scalar tensor, for example a loss that a scaler has scaled.
            options: Keyword arguments of ``torch.Tensor.backward``.
        """
        self._note_call("backward")
        self._timed("backward", partial(loss.backward, **options))

    def update(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return ``function(*arguments, **options)``, computed as the update of parameters.

        Examples are ``context.update(optimizer.step)``, ``context.update(optimizer.step, closure)``
        and ``context.update(scaler.step, optimizer)``.

        Args:
            function: Function that updates parameters or what belongs to it.
            arguments: Positional arguments of the function.
            options: Keyword arguments of the function.

        Raises:
            ConfigurationError: If the function is given a closure and a layer cannot support that.
        """
        if self._training.closure_obstacles:
            self._check_closures((*arguments, *options.values()))
        return self._timed("optimizer", partial(function, *arguments, **options))

    @contextmanager
    def accumulating(self) -> Iterator[None]:
        """Enter a region in which gradients are only accumulated, as no update follows directly.

        Forward and backward both belong inside. Under ``data_parallel`` ranks do not average their
        gradients there (``no_sync()`` of DistributedDataParallel), which would be repeated work.
        """
        with ExitStack() as contexts:
            for context in self._training.accumulation_contexts:
                contexts.enter_context(context())
            yield

    def take(self, batch: Any) -> Any:
        """Take the step of the training on *batch*, and return its loss.

        Raises:
            WorkloadError: If the batch must be a pair (x, y) and is none, if the loss is not a
                tensor, or if the workload's own step bypasses this context.
        """
        training = self._training
        if training.step is not None:
            loss = training.step(self, batch)
            self._check_called_parts()
            return loss
        if training.train_step is None:
            check_pair(batch)
        optimizer = training.optimizer
        if not self._needs_closure:
            return self._accumulate_or_update(optimizer, batch)

        def closure() -> Any:
            optimizer.zero_grad()
            return self._evaluate(batch)

        return self.update(optimizer.step, closure)

    def _accumulate_or_update(self, optimizer: Any, batch: Any) -> Any:
        """Do the usual step on one batch; only the last batch of a step updates parameters."""
        training = self._training
        count, scaler = training.accumulation, training.loss_scaler
        self._accumulated += 1
        if self._accumulated < count:
            with self.accumulating():
                return self._evaluate(batch)
        self._accumulated = 0
        loss = self._evaluate(batch)
        if scaler is None:
            self.update(optimizer.step)
        else:
            scale = scaler.get_scale()
            self.update(scaler.step, optimizer)
            self.update(scaler.update)
            training.skipped_updates += scaler.get_scale() < scale
        return loss

    def _timed(self, phase: str, part: Callable[[], Any]) -> Any:
        """Return ``part()``, whose time belongs to *phase*.

        An optimizer that is given a closure calls forward and backward inside of its own phase.
        """
        if self._end_phase is None:
            return part()
        outer_phase = self._phase
        self._end_phase(outer_phase)
        self._phase = phase
        try:
            return part()
        finally:
            self._end_phase(phase)
            self._phase = outer_phase

    def _evaluate(self, batch: Any) -> Any:
        """Do forward, loss and backward of the usual step, and return the loss."""
        training = self._training
        function = training.train_step or pair_loss
        loss = self.forward(function, training.model, batch, training.criterion)
        check_loss(loss)
        scaled_loss = loss if training.accumulation == 1 else loss / training.accumulation
        if training.loss_scaler is not None:
            scaled_loss = training.loss_scaler.scale(scaled_loss)
        self.backward(scaled_loss)
        return loss

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function that layers put in the place of *function*."""
        wrappers = self._training.forward_wrappers
        if not wrappers:
            return function
        if function in self._forward_functions:
            return self._forward_functions[function]
        wrapped = function
        for wrap in wrappers:
            wrapped = wrap(wrapped)
        # A function that each step defines anew would never be used again, and keeping it would
        # keep the batch that it refers to. So only the second call of a function keeps it.
        if function in self._seen_functions:
            self._forward_functions[function] = wrapped
        else:
            self._seen_functions.add(function)
        return wrapped

    def _note_call(self, part: str) -> None:
        """Remember for ``_check_called_parts`` that the workload's own step has called a part."""
        if self._training.step is not None and not self._is_checked:
            self._called_parts.add(part)

    def _check_called_parts(self) -> None:
        """Raise a WorkloadError if the first own step has left out forward or backward."""
        if self._is_checked:
            return
        self._is_checked = True
        missing_parts = sorted({"forward", "backward"} - self._called_parts)
        if missing_parts:
            raise WorkloadError(
                f"the workload's step never called {' and '.join(missing_parts)} of its context, "
                "so that layers could not act on it: write context.forward(function, ...) and "
                "context.backward(loss)"
            )

    def _check_closures(self, arguments: tuple[Any, ...]) -> None:
        """Raise a ConfigurationError if one of *arguments* is a closure and a layer objects."""
        if any(isinstance(argument, _CLOSURE_TYPES) for argument in arguments):
            self._refuse_closure()

    def _guard_step(self, optimizer: Any) -> None:
        """Let ``optimizer.step`` refuse a closure, also if a step calls it past ``update``."""
        step = optimizer.step

        @wraps(step)
        def guarded_step(*arguments: Any, **options: Any) -> Any:
            if any(map(callable, (*arguments, *options.values()))):
                self._refuse_closure()
            return step(*arguments, **options)

        optimizer.step = guarded_step

    def _refuse_closure(self) -> NoReturn:
        raise ConfigurationError(
            "an optimizer that evaluates a closure cannot be measured in this stack: "
            f"{'; '.join(self._training.closure_obstacles)}"
        )


def requires_closure(optimizer: Any) -> bool:
    """Return whether ``optimizer.step`` cannot be called without a closure, as that of LBFGS."""
    parameters = inspect.signature(optimizer.step).parameters
    closure = parameters.get("closure")
    return closure is not None and closure.default is inspect.Parameter.empty
