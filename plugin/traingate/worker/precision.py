"""Measure how much faster this process multiplies matrices in another precision than in fp32."""

from __future__ import annotations

import time
from typing import Final

import torch

_SIZE: Final = 1024
_REPEATS: Final = 5


def speedup(precision: str) -> float:
    """Return the rate of a matrix product in a dtype, divided by the rate in fp32.

    The two take turns, and the fastest of each counts, so that other work on the machine matters
    little. It takes about a tenth of a second.

    Args:
        precision: Name of a torch dtype.
    """
    if precision == "float32":
        return 1.0
    matrix = torch.randn(_SIZE, _SIZE)
    matrices = (matrix, matrix.to(getattr(torch, precision)))
    seconds = [min(_seconds(each) for _ in range(_REPEATS)) for each in matrices]
    return seconds[0] / seconds[1]


def _seconds(matrix: torch.Tensor) -> float:
    """Return the time of one product, in seconds."""
    with torch.no_grad():
        start = time.perf_counter()
        torch.mm(matrix, matrix)
        return time.perf_counter() - start
