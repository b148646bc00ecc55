"""Compilers of the model's graph."""

from __future__ import annotations

import os
from dataclasses import dataclass
from shutil import which
from typing import Any

from traingate.errors import ConfigurationError
from traingate.layer import BaseLayer, Training
from traingate.layers.ipex import missing_ipex

_BACKENDS = ("inductor", "ipex")
_REGIONS = ("two", "one")


def _missing_compiler() -> str | None:
    """Inductor's CPU code is C++, compiled on this machine by $CXX, else by g++."""
    if which(os.environ.get("CXX", "g++")):
        return None
    return "inductor needs a C++ compiler: apt-get install g++"


@dataclass(frozen=True)
class TorchCompile(BaseLayer):
    """The model under ``torch.compile``. The first step compiles, and is timed apart.

    Attributes:
        backend: ``inductor``, or ``ipex``, which is inductor with the passes of IPEX.
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
        """What installs the backend."""
        return "ipex" if self.backend == "ipex" else None

    def unavailable(self) -> str | None:
        """A C++ compiler, and IPEX where it is the backend."""
        return _missing_compiler() or (missing_ipex() if self.backend == "ipex" else None)

    def apply(self, training: Training) -> None:
        """Compile the model."""
        import torch  # noqa: PLC0415 - only in the worker

        if self.backend == "ipex":
            import intel_extension_for_pytorch  # noqa: F401, PLC0415 - registers the backend
        compiled: Any = torch.compile(training.model, backend=self.backend)
        training.model = compiled


@dataclass(frozen=True)
class CompiledStep(BaseLayer):
    """Forward, loss, backward and optimizer compiled by inductor, not the model alone.

    Attributes:
        regions: ``two``: forward, loss and their backward, and the optimizer's update; or
            ``one``: a single function with compiled autograd, experimental. As of torch 2.8
            Dynamo cannot trace ``backward()`` and breaks there, and looks at frames anew in
            each step.
    """

    regions: str = "two"
    name = "compiled_step"
    order = 650
    loss_tolerance = 1e-3

    @property
    def conflicts(self) -> dict[str, str]:
        """Where the step is compiled already, or is not the process's own."""
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
        """A C++ compiler."""
        return _missing_compiler()

    def apply(self, training: Training) -> None:
        """Compile the step as a whole, or its two halves."""
        import torch  # noqa: PLC0415 - only in the worker

        if self.regions == "one":
            import torch._dynamo  # noqa: PLC0415 - loads what it configures

            torch._dynamo.config.compiled_autograd = True
            training.step_wrappers.append(torch.compile)
            return
        forward: Any = torch.compile(training.train_step or _forward)
        training.train_step = forward
        update: Any = torch.compile(training.optimizer.step)
        training.optimizer.step = update  # type: ignore[method-assign]


def _forward(model: Any, batch: Any, criterion: Any) -> Any:
    inputs, targets = batch
    return criterion(model(inputs), targets)
