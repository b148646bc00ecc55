"""The number formats that the model computes in."""

from __future__ import annotations

from dataclasses import dataclass

from traingate.cpu import instruction_sets
from traingate.stack import BaseLayer, Training


@dataclass(frozen=True)
class Bf16Autocast(BaseLayer):
    """Forward and loss under ``torch.amp.autocast("cpu", dtype=torch.bfloat16)``.

    Changes the mathematics: convolutions and matrix products keep 8 bits of mantissa.
    """

    name = "bf16_autocast"
    order = 400

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

        training.contexts.append(lambda: torch.autocast("cpu", dtype=torch.bfloat16))
