"""Define the layer of Intel Extension for PyTorch, imported only by stacks that need it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from traingate.host.cpu import instruction_sets
from traingate.host.packages import torch_mismatch
from traingate.layers.base import BaseLayer, Training

_BF16_PACKING_FLAGS = {"avx512bw", "avx512vl", "avx512dq"}


def missing_ipex() -> str | None:
    """Return what to install if IPEX is missing or made for another torch, else None."""
    if find_spec("intel_extension_for_pytorch") is not None:
        return torch_mismatch("intel-extension-for-pytorch")
    return (
        "Intel Extension for PyTorch (its last release, 2.8.0, needs torch 2.8) is not installed: "
        "pip install 'pytest-traingate[ipex]'"
    )


@dataclass(frozen=True)
class IpexOptimize(BaseLayer):
    """Layer that calls ``ipex.optimize``: it repacks weights for oneDNN and fuses the update.

    It optimizes for bfloat16 if the stack has ``bf16_autocast``, else for float32. Importing IPEX
    replaces 27 operators of torch in that process (found in the source of IPEX 2.8), so only stacks
    that need it import it.
    """

    name = "ipex_optimize"
    order = 500
    extra = "ipex"
    mathematics = "with bf16_autocast, weights are kept in bf16 and their lower bits separately"
    loss_tolerance = 1e-3

    def unavailable(self) -> str | None:
        """Return what to install if IPEX is missing or made for another torch, else None."""
        return missing_ipex()

    def apply(self, training: Training) -> None:
        """Let IPEX optimize model and optimizer for the precision that the training has."""
        import intel_extension_for_pytorch as ipex  # noqa: PLC0415 - only in this stack
        import torch  # noqa: PLC0415 - only in the worker

        # Without AVX-512, oneDNN has no layout for packed bf16 weights, and by its source IPEX
        # fails an assertion. No such CPU was available to try it.
        packable = training.precision == "float32" or instruction_sets() >= _BF16_PACKING_FLAGS
        training.model, training.optimizer = ipex.optimize(
            training.model,
            optimizer=training.optimizer,
            dtype=getattr(torch, training.precision),
            weights_prepack=None if packable else False,
        )
