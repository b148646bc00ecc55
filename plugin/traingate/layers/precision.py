"""Define the layers that change the number format in which the model computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from traingate.errors import ConfigurationError
from traingate.host import packages
from traingate.host.cpu import instruction_sets
from traingate.layers.base import BaseLayer, ProcessRequest
from traingate.layers.recipe import Recipe, Surroundings
from traingate.layers.training import Training


@dataclass(frozen=True)
class Bf16Autocast(BaseLayer):
    """Layer that runs forward and loss under ``torch.autocast("cpu", dtype=torch.bfloat16)``."""

    name = "bf16_autocast"
    order = 400
    mathematics = "convolutions and matrix products round to 8 bits of mantissa"
    loss_tolerance = 0.05

    def caution(self) -> str | None:
        """Return a caution if this CPU has to emulate bf16, else None."""
        if not _lacks_bf16():
            return None
        return (
            "this CPU has neither AVX512_BF16 nor AMX, so bf16 is emulated: the result is "
            "right, the speed says nothing about a CPU that has them"
        )

    def apply(self, training: Training) -> None:
        """Enter autocast around forward and loss."""
        import torch  # noqa: PLC0415 - only in the worker

        training.precision = "bfloat16"
        training.contexts.append(lambda: torch.autocast("cpu", dtype=torch.bfloat16))

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the context of forward and loss."""
        return Recipe(contexts=('torch.autocast("cpu", dtype=torch.bfloat16)',))


@dataclass(frozen=True)
class Fp16Autocast(BaseLayer):
    """Layer that runs forward and loss under autocast in float16, with a scaler of the loss.

    float16 has a short range of exponents. ``torch.amp.GradScaler`` scales the loss so that small
    gradients do not become zero, and leaves out an update whose gradients overflow.
    """

    name = "fp16_autocast"
    order = 405
    mathematics = (
        "convolutions and matrix products round to 11 bits; updates that overflow are lost"
    )
    loss_tolerance = 0.02

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers that do not work with it, each with the reason."""
        return {
            "bf16_autocast": "autocast has one dtype",
            "float32_precision": "under autocast no product is in fp32 any more",
            "ipex_optimize": "ipex.optimize prepares models for bfloat16 and float32 alone",
            "compiled_step": "the scaler decides on the host whether to update",
            "xla_device": "autocast is ignored on XLA's CPU device, which would train in fp32",
        }

    def caution(self) -> str | None:
        """Return a caution if this CPU has to emulate fp16, else None."""
        flags = instruction_sets()
        if not flags or flags & _FP16_FLAGS:
            return None
        return (
            "this CPU has no arithmetic in fp16 (AVX512_FP16, AMX-FP16, or ARM's asimdhp), so fp16 "
            "is emulated: the result is right, the speed says nothing about a CPU that has it"
        )

    def apply(self, training: Training) -> None:
        """Enter autocast around forward and loss, and scale the loss.

        Raises:
            ConfigurationError: If the workload has a step of its own, which may clip or log
                gradients, and would see scaled ones.
        """
        import torch  # noqa: PLC0415 - only in the worker

        if training.step is not None:
            raise ConfigurationError(
                "fp16_autocast cannot scale the loss of a workload's own step: let the step use a "
                "torch.amp.GradScaler itself"
            )
        training.precision = "float16"
        training.contexts.append(lambda: torch.autocast("cpu", dtype=torch.float16))
        training.loss_scaler = torch.amp.GradScaler("cpu")
        training.closure_obstacles.append("a GradScaler cannot update by a closure")

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the context of forward and loss, and the scaler."""
        return Recipe(
            loss_scaler='torch.amp.GradScaler("cpu")',
            contexts=('torch.autocast("cpu", dtype=torch.float16)',),
        )


_FP16_FLAGS: Final = frozenset({"avx512_fp16", "amx_fp16", "asimdhp"})


def _lacks_bf16() -> bool:
    """Return whether this CPU is known to have no instructions for bf16."""
    flags = instruction_sets()
    return bool(flags) and not flags & {"avx512_bf16", "amx_bf16"}


_FORMATS = {"bf16": "BF16", "tf32": "TF32"}

_ONEDNN_VARIABLE: Final = "ONEDNN_DEFAULT_FPMATH_MODE"


@dataclass(frozen=True)
class Float32Precision(BaseLayer):
    """Layer that lets oneDNN compute fp32 convolutions and matrix products in a shorter format.

    Tensors stay in fp32. From torch 2.9 on, ``torch.backends.mkldnn`` has a setting for each. In
    torch 2.8, ``torch.set_float32_matmul_precision`` affects matrix products alone, and oneDNN's
    own ``ONEDNN_DEFAULT_FPMATH_MODE`` affects convolutions. oneDNN uses the shorter format only if
    the CPU is faster in it; for convolutions that takes AMX.

    Attributes:
        format: Shorter format, ``bf16`` or ``tf32``; few CPUs have the latter.
    """

    format: str = "bf16"
    name = "float32_precision"
    order = 410
    mathematics = "products of fp32 tensors may round their inputs to 8 (tf32: 11) bits"
    loss_tolerance = 0.05

    @property
    def conflicts(self) -> dict[str, str]:
        """Return the layers with which this one would have no effect, each with the reason."""
        return {
            "bf16_autocast": "under autocast no product is in fp32 any more",
            "ipex_optimize": "the operators of IPEX follow a setting of their own",
        }

    def caution(self) -> str | None:
        """Return a caution if this CPU has no instructions for bf16, else None."""
        if not _lacks_bf16():
            return None
        return "this CPU has neither AVX512_BF16 nor AMX: oneDNN stays with fp32, mostly"

    def __post_init__(self) -> None:
        if self.format not in _FORMATS:
            raise ConfigurationError(
                f"float32_precision takes one of {', '.join(_FORMATS)}, not {self.format!r}"
            )

    def process(self) -> ProcessRequest:
        """Request the variable of oneDNN, which reads it only once per process.

        It is for torch 2.8 alone, whose own settings do not reach convolutions.
        """
        torch_version = packages.version("torch") or ""
        if not torch_version.startswith("2.8."):
            return ProcessRequest()
        return ProcessRequest({_ONEDNN_VARIABLE: _FORMATS[self.format]})

    def apply(self, _training: Training) -> None:
        """Set torch's precision of fp32 products."""
        import torch  # noqa: PLC0415 - only in the worker

        backends: Any = torch.backends
        if hasattr(backends, "fp32_precision"):  # the older setting may not be mixed with it
            for operations in (backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn):
                operations.fp32_precision = self.format
            return
        torch.set_float32_matmul_precision(self._matmul_precision)

    def recipe(self, surroundings: Surroundings) -> Recipe:
        """Return the settings of torch; in torch 2.8 a variable of oneDNN is requested too."""
        if _ONEDNN_VARIABLE in surroundings.request.environment:
            setting = f'torch.set_float32_matmul_precision("{self._matmul_precision}")'
            return Recipe(at_start=(setting,))
        settings = (
            f'torch.backends.mkldnn.{operations}.fp32_precision = "{self.format}"'
            for operations in ("matmul", "conv", "rnn")
        )
        return Recipe(at_start=tuple(settings))

    @property
    def _matmul_precision(self) -> str:
        """Return the argument of ``torch.set_float32_matmul_precision``."""
        return "medium" if self.format == "bf16" else "high"


@dataclass(frozen=True)
class FlushDenormal(BaseLayer):
    """Layer that treats denormal numbers, in fp32 those below 1.2e-38 in magnitude, as zero.

    Arithmetic with denormal numbers takes many times as long on some CPUs. Each thread has a
    flag of its own (``torch.set_flush_denormal``) and inherits it from the thread that starts it.
    So the flag is set before torch starts other threads.
    """

    name = "flush_denormal"
    order = 60
    mathematics = "results below 1.2e-38 in magnitude become zero"

    def start(self) -> None:
        """Set the flag of the main thread, from which all other threads inherit it.

        Raises:
            ConfigurationError: If the CPU cannot flush denormal numbers.
        """
        import torch  # noqa: PLC0415 - only in the worker

        if not torch.set_flush_denormal(True):
            raise ConfigurationError("flush_denormal: this CPU cannot flush denormal numbers")

    def apply(self, _training: Training) -> None:
        """Do nothing: ``start`` has set the flag."""

    def recipe(self, _surroundings: Surroundings) -> Recipe:
        """Return the line that sets the flag before torch starts other threads."""
        return Recipe(after_torch=("torch.set_flush_denormal(True)",))
