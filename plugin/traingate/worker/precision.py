"""Measure how much faster this process multiplies matrices in its precision than in fp32."""

from __future__ import annotations

import time
from typing import Any, Final

import torch

_SIZE: Final = 1024
_REPEATS: Final = 5

_SECONDS: Final = 0.3
"""Time after which a product is not repeated, for CPUs that emulate a precision."""


def speedup(precision: str) -> float:
    """Return the rate of a matrix product in a dtype, divided by the rate in fp32.

    For float32 it is that of the process's setting, which may let oneDNN round the inputs, divided
    by that without rounding. The fastest of several products counts, so that other work on the
    machine matters little. It takes about a tenth of a second.

    Args:
        precision: Name of a torch dtype.
    """
    setting = _fp32_setting()
    if precision == "float32" and setting in _EXACT:
        return 1.0
    matrix = torch.randn(_SIZE, _SIZE)
    seconds = _fastest(matrix.to(getattr(torch, precision)))
    _set_fp32(_EXACT[0] if hasattr(torch.backends, "fp32_precision") else "highest")
    try:
        return _fastest(matrix) / seconds
    finally:
        _set_fp32(setting)


_EXACT: Final = ("ieee", "none", "highest")
"""Settings that do not round the inputs of products in fp32."""


def _fp32_setting() -> str:
    """Return the setting of matrix products in fp32."""
    backends: Any = torch.backends
    if hasattr(backends, "fp32_precision"):  # from torch 2.9 on
        return str(backends.mkldnn.matmul.fp32_precision)
    return str(torch.get_float32_matmul_precision())


def _set_fp32(setting: str) -> None:
    """Set the precision of matrix products in fp32."""
    backends: Any = torch.backends
    if hasattr(backends, "fp32_precision"):
        backends.mkldnn.matmul.fp32_precision = setting
    else:
        torch.set_float32_matmul_precision(setting)


def _fastest(matrix: torch.Tensor) -> float:
    """Return the shortest time of several products, in seconds."""
    times: list[float] = []
    with torch.no_grad():
        while len(times) < _REPEATS and sum(times) < _SECONDS:
            start = time.perf_counter()
            torch.mm(matrix, matrix)
            times.append(time.perf_counter() - start)
    return min(times)
