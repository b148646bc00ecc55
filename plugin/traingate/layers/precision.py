"""The number formats that the model computes in."""

from __future__ import annotations

from dataclasses import dataclass

from traingate.errors import ConfigurationError
from traingate.host.cpu import instruction_sets
from traingate.layers.base import BaseLayer, ProcessRequest, Training


@dataclass(frozen=True)
class Bf16Autocast(BaseLayer):
    """Forward and loss under ``torch.amp.autocast("cpu", dtype=torch.bfloat16)``."""

    name = "bf16_autocast"
    order = 400
    mathematics = "convolutions and matrix products round to 8 bits of mantissa"
    loss_tolerance = 0.05

    def caution(self) -> str | None:
        """Whether this CPU has to emulate bf16."""
        flags = instruction_sets()
        if not flags or flags & {"avx512_bf16", "amx_bf16"}:
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


_FORMATS = {"bf16": "BF16", "tf32": "TF32"}


@dataclass(frozen=True)
class Float32Precision(BaseLayer):
    """fp32 convolutions and matrix products may compute in a shorter format inside oneDNN.

    Tensors stay fp32. ``torch.set_float32_matmul_precision`` reaches matrix products alone
    (torch 2.8), oneDNN's own ``ONEDNN_DEFAULT_FPMATH_MODE`` convolutions. oneDNN uses the shorter
    format only where the CPU is faster in it, which for convolutions means AMX.

    Attributes:
        format: ``bf16`` or ``tf32``; few CPUs have the latter.
    """

    format: str = "bf16"
    name = "float32_precision"
    order = 410
    mathematics = "products of fp32 tensors may round their inputs to 8 (tf32: 11) bits"
    loss_tolerance = 0.05

    @property
    def conflicts(self) -> dict[str, str]:
        """Where there is no fp32 product left to shorten, or another layer decides."""
        return {
            "bf16_autocast": "under autocast no product is in fp32 any more",
            "ipex_optimize": "the operators of IPEX follow a setting of its own",
        }

    def caution(self) -> str | None:
        """Whether this CPU has nothing to gain."""
        flags = instruction_sets()
        if not flags or flags & {"avx512_bf16", "amx_bf16"}:
            return None
        return "this CPU has neither AVX512_BF16 nor AMX: oneDNN stays with fp32, mostly"

    def __post_init__(self) -> None:
        if self.format not in _FORMATS:
            raise ConfigurationError(
                f"float32_precision takes one of {', '.join(_FORMATS)}, not {self.format!r}"
            )

    def process(self) -> ProcessRequest:
        """Ask oneDNN, which reads its variable once."""
        return ProcessRequest({"ONEDNN_DEFAULT_FPMATH_MODE": _FORMATS[self.format]})

    def apply(self, _training: Training) -> None:
        """Ask torch."""
        import torch  # noqa: PLC0415 - only in the worker

        torch.set_float32_matmul_precision("medium" if self.format == "bf16" else "high")


@dataclass(frozen=True)
class FlushDenormal(BaseLayer):
    """Numbers too small for a normal fp32 count as zero (``torch.set_flush_denormal``).

    Arithmetic with denormal numbers takes some CPUs a hundred times as long. Each thread has
    a flag of its own and inherits it, so it is set before there are any others.
    """

    name = "flush_denormal"
    order = 60
    mathematics = "results below 1.2e-38 become zero"

    def start(self) -> None:
        """Set the flag of the main thread, from which all others come."""
        import torch  # noqa: PLC0415 - only in the worker

        if not torch.set_flush_denormal(True):
            raise ConfigurationError("flush_denormal: this CPU cannot flush denormal numbers")

    def apply(self, _training: Training) -> None:
        """All is done at the start."""
