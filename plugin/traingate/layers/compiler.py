"""Define the layers that compile the model or the whole step."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layers.base import BaseLayer, Training
from traingate.layers.ipex import missing_ipex

_BACKENDS = ("inductor", "ipex")
_REGIONS = ("two", "one")


def _missing_compiler() -> str | None:
    """Return what inductor lacks on this machine to compile its C++ code, else None.

    Inductor generates Python extensions in C++ and compiles them by ``$CXX``, else by ``g++``.
    """
    if not which(os.environ.get("CXX", "g++")):
        return "inductor needs a C++ compiler: apt-get install g++"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "inductor needs the headers of this Python: apt-get install python3-dev"
    return None


def _require_graph(layer: str, counters: Mapping[str, int]) -> None:
    """Raise a ConfigurationError if Dynamo has compiled no graph so far."""
    if not counters.get("dynamo_graphs"):
        raise ConfigurationError(
            f"{layer} compiled nothing, so eager code would be measured in its name: the forward "
            "of the model was not called as model(...), as when a train_step calls another of its "
            "methods, or Dynamo could trace none of it (see TORCH_LOGS=graph_breaks)"
        )


@dataclass(frozen=True)
class TorchCompile(BaseLayer):
    """Layer that compiles the model by ``torch.compile``.

    The first step includes the compilation, and its time is recorded separately.

    Attributes:
        backend: Backend of ``torch.compile``: ``inductor``, or ``ipex``, which is inductor with the
            passes of IPEX.
    """

    backend: str = "inductor"
    name = "torch_compile"
    order = 600
    loss_tolerance = 1e-3

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise ConfigurationError(
                f"torch_compile takes one of {', '.join(_BACKENDS)}, not {self.backend!r}"
            )

    @property
    def extra(self) -> str | None:  # type: ignore[override] # it depends on the backend
        """Return the extra of pytest-traingate that installs the backend, None for inductor."""
        return "ipex" if self.backend == "ipex" else None

    def unavailable(self) -> str | None:
        """Return what inductor, or IPEX as the backend, lacks on this machine, else None."""
        return _missing_compiler() or (missing_ipex() if self.backend == "ipex" else None)

    def apply(self, training: Training) -> None:
        """Compile the model."""
        import torch  # noqa: PLC0415 - only in the worker

        if self.backend == "ipex":
            import intel_extension_for_pytorch  # noqa: F401, PLC0415 - registers the backend
        compiled_model: Any = torch.compile(training.model, backend=self.backend)
        training.model = compiled_model

    def verify(self, counters: Mapping[str, int]) -> None:
        """Raise a ConfigurationError if no graph was compiled."""
        _require_graph(self.name, counters)


@dataclass(frozen=True)
class CompiledStep(BaseLayer):
    """Layer that compiles forward, loss, backward and update by inductor, not the model alone.

    Attributes:
        regions: Regions that are compiled separately. ``two``: forward and loss with their
            backward, and the optimizer's update. ``one``: a single function with compiled
            autograd, which is experimental. As of torch 2.8, Dynamo cannot trace ``backward()``:
            it breaks the graph there and examines frames again in each step.
    """

    regions: str = "two"
    name = "compiled_step"
    order = 650
    loss_tolerance = 1e-3

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that compile already or cannot be compiled, each with the reason."""
        return {
            "torch_compile": "the step contains the model",
            "ipex_optimize": "the update that IPEX brings cannot be traced",
            "data_parallel": "its reduction runs in hooks outside of the compiled step",
            "xla_device": "XLA compiles the step itself",
        }

    def __post_init__(self) -> None:
        if self.regions not in _REGIONS:
            raise ConfigurationError(
                f"compiled_step takes one of {', '.join(_REGIONS)}, not {self.regions!r}"
            )

    def unavailable(self) -> str | None:
        """Return what inductor lacks on this machine, else None."""
        return _missing_compiler()

    def apply(self, training: Training) -> None:
        """Compile the step as a whole, or its two regions."""
        import torch  # noqa: PLC0415 - only in the worker

        if self.regions == "one":
            import torch._dynamo  # noqa: PLC0415 - loads the module to configure

            torch._dynamo.config.compiled_autograd = True
            training.step_wrappers.append(torch.compile)
            training.has_phases = False
            return
        forward: Any = torch.compile(training.train_step or _forward)
        training.train_step = forward
        update: Any = torch.compile(training.optimizer.step)
        training.optimizer.step = update  # type: ignore[method-assign]

    def verify(self, counters: Mapping[str, int]) -> None:
        """Raise a ConfigurationError if no graph was compiled."""
        _require_graph(self.name, counters)


def _forward(model: Any, batch: Any, criterion: Any) -> Any:
    """Return the loss, for a workload without a ``train_step``."""
    inputs, targets = batch
    return criterion(model(inputs), targets)
