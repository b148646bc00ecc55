"""Compilers of the model's graph."""

from __future__ import annotations

from dataclasses import dataclass
from shutil import which
from typing import Any

from traingate.errors import ConfigurationError
from traingate.stack import BaseLayer, Training

_BACKENDS = ("inductor",)
_COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True)
class TorchCompile(BaseLayer):
    """The model under ``torch.compile``. The first step compiles, and is timed apart.

    Attributes:
        backend: ``inductor``.
    """

    backend: str = "inductor"
    name = "torch_compile"
    order = 600

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise ConfigurationError(
                f"torch_compile takes one of {', '.join(_BACKENDS)}, not {self.backend!r}"
            )

    def unavailable(self) -> str | None:
        """Inductor's CPU code is C++, compiled on this machine."""
        if any(map(which, _COMPILERS)):
            return None
        return "inductor needs a C++ compiler: install g++"

    def apply(self, training: Training) -> None:
        """Compile the model."""
        import torch  # noqa: PLC0415 - only in the worker

        compiled: Any = torch.compile(training.model, backend=self.backend)
        training.model = compiled
