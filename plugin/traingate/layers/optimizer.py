"""Define the layers that change how the optimizer iterates over the parameters."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class FusedOptimizer(BaseLayer):
    """Layer that uses the fused form of the workload's optimizer.

    A fused optimizer updates each parameter by one vectorised kernel. On CPUs torch has this form
    for SGD, Adam, AdamW and Adagrad; other optimizers are refused.
    """

    name = "fused_optimizer"
    order = 450

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that bring an update of their own, each with the reason."""
        return {
            "ipex_optimize": "ipex.optimize brings a fused update of its own",
            "xla_device": "XLA compiles the update, and has no fused one",
            "foreach_optimizer": "an update is either fused or foreach",
        }

    def apply(self, training: Training) -> None:
        """Turn each optimizer into its fused form, in place.

        The optimizer stays the same object, so that its hooks, and what else holds it (learning
        rate schedulers, a workload's own step), keep working.

        Raises:
            ConfigurationError: If an optimizer has no fused form.
        """
        for optimizer in training.optimizers:
            _fuse(optimizer)

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the argument of the optimizer."""
        return Recipe(optimizer={"fused": "True"})


@dataclass(frozen=True)
class ForeachOptimizer(BaseLayer):
    """Layer that uses the foreach form of the workload's optimizer.

    It calls one operator for a list of tensors instead of one for each parameter. torch chooses
    this form by default on GPUs alone.
    """

    name = "foreach_optimizer"
    order = 455

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that bring an update of their own, each with the reason."""
        return {
            "ipex_optimize": "ipex.optimize brings a fused update of its own",
            "xla_device": "XLA compiles the update",
        }

    def apply(self, training: Training) -> None:
        """Turn each optimizer into its foreach form, in place.

        Raises:
            ConfigurationError: If an optimizer has no such form.
        """
        for optimizer in training.optimizers:
            if "foreach" not in optimizer.defaults:
                raise ConfigurationError(
                    f"foreach_optimizer: {type(optimizer).__name__} has no foreach form"
                )
            for group in (*optimizer.param_groups, optimizer.defaults):
                group["foreach"] = True
                if "fused" in group:
                    group["fused"] = False
            vars(optimizer).pop("_step_supports_amp_scaling", None)  # of the fused form

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the argument of the optimizer, which excludes ``fused=True``."""
        return Recipe(optimizer={"foreach": "True"})


def _fuse(optimizer: torch.optim.Optimizer) -> None:
    """Turn *optimizer* into its fused form, in place.

    A fused optimizer of the same groups shows that torch accepts the options, and which attributes
    such an optimizer has.
    """
    import torch  # noqa: PLC0415 - only in the worker

    kind = type(optimizer)
    parameters = inspect.signature(kind).parameters
    if "fused" not in parameters:
        raise ConfigurationError(
            f"fused_optimizer: {kind.__name__} has no fused form; SGD, Adam, AdamW and Adagrad "
            "have one"
        )
    options: dict[str, Any] = {
        key: value for key, value in optimizer.defaults.items() if key in parameters
    }
    fused_options = {"fused": True, "foreach": False}
    make: Any = kind  # the base class that the type checker sees takes no such options
    try:
        groups = [{**group, **fused_options} for group in optimizer.param_groups]
        fused_optimizer = make(groups, **{**options, **fused_options})
    except (RuntimeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"fused_optimizer: this {kind.__name__} cannot be fused: {error}"
        ) from error
    for group in (*optimizer.param_groups, optimizer.defaults):
        group.update(fused_options)
    for name, value in vars(fused_optimizer).items():
        vars(optimizer).setdefault(name, value)
    for state in optimizer.state.values():
        # A fused kernel reads the number of steps from a tensor in fp32.
        if isinstance(state.get("step"), torch.Tensor):
            state["step"] = state["step"].float()
