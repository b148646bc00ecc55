"""How the optimizer walks through the parameters."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer, Training


@dataclass(frozen=True)
class FusedOptimizer(BaseLayer):
    """The workload's optimizer in its fused form: one vectorised kernel for each parameter.

    torch has it for SGD, Adam, AdamW and Adagrad on CPUs; others are refused.
    """

    name = "fused_optimizer"
    order = 450

    @property
    def conflicts(self) -> dict[str, str]:
        """Where another layer brings the update itself."""
        return {
            "ipex_optimize": "ipex.optimize brings a fused update of its own",
            "xla_device": "XLA compiles the update, and has no fused one",
        }

    def apply(self, training: Training) -> None:
        """Make the optimizer again, with ``fused=True``."""
        given = training.optimizer
        kind = type(given)
        known = inspect.signature(kind).parameters
        if "fused" not in known:
            raise ConfigurationError(
                f"fused_optimizer: {kind.__name__} has no fused form; SGD, Adam, AdamW and Adagrad "
                "have one"
            )
        groups = [{**group, "fused": True, "foreach": False} for group in given.param_groups]
        options: dict[str, Any] = {
            key: value for key, value in given.defaults.items() if key in known
        }
        remade: Any = kind
        training.optimizer = remade(groups, **{**options, "fused": True, "foreach": False})
        training.optimizer.state.update(given.state)
