"""Define the layer that changes how the optimizer iterates over the parameters."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer, Training


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
        }

    def apply(self, training: Training) -> None:
        """Make the optimizer again, with ``fused=True``.

        Raises:
            ConfigurationError: If the optimizer has no fused form.
        """
        optimizer = training.optimizer
        kind = type(optimizer)
        parameters = inspect.signature(kind).parameters
        if "fused" not in parameters:
            raise ConfigurationError(
                f"fused_optimizer: {kind.__name__} has no fused form; SGD, Adam, AdamW and Adagrad "
                "have one"
            )
        groups = [{**group, "fused": True, "foreach": False} for group in optimizer.param_groups]
        options: dict[str, Any] = {
            key: value for key, value in optimizer.defaults.items() if key in parameters
        }
        make: Any = kind  # the base class that the type checker sees takes no such options
        training.optimizer = make(groups, **{**options, "fused": True, "foreach": False})
        training.optimizer.state.update(optimizer.state)
