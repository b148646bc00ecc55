"""Intel Extension for PyTorch: imported in stacks that ask for it, and in no other."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from traingate.host.cpu import instruction_sets
from traingate.host.packages import torch_mismatch
from traingate.layers.base import BaseLayer, Training

_PACKING_BF16 = {"avx512bw", "avx512vl", "avx512dq"}


def missing_ipex() -> str | None:
    """What to install where IPEX is not, or is one for another torch."""
    if find_spec("intel_extension_for_pytorch") is not None:
        return torch_mismatch("intel-extension-for-pytorch")
    return (
        "Intel Extension for PyTorch (its last release, 2.8.0, needs torch 2.8) is not installed: "
        "pip install 'pytest-traingate[ipex]'"
    )


@dataclass(frozen=True)
class IpexOptimize(BaseLayer):
    """``ipex.optimize(model, optimizer=optimizer)``: weights repacked for oneDNN, fused update.

    In bfloat16 beside ``bf16_autocast``, else in float32. Importing IPEX replaces 27 operators of
    torch in that process, which is why it happens in no other.
    """

    name = "ipex_optimize"
    order = 500
    extra = "ipex"
    mathematics = "beside bf16_autocast, weights are kept in bf16, their lost bits apart"
    loss_tolerance = 1e-3

    def unavailable(self) -> str | None:
        """IPEX."""
        return missing_ipex()

    def apply(self, training: Training) -> None:
        """Let IPEX optimize model and optimizer for the precision that the stack has."""
        import intel_extension_for_pytorch as ipex  # noqa: PLC0415 - only where asked for
        import torch  # noqa: PLC0415 - only in the worker

        # oneDNN has no bf16 layout to pack weights into without AVX-512; IPEX asserts that it has.
        packs = training.precision == "float32" or instruction_sets() >= _PACKING_BF16
        training.model, training.optimizer = ipex.optimize(
            training.model,
            optimizer=training.optimizer,
            dtype=getattr(torch, training.precision),
            weights_prepack=None if packs else False,
        )
