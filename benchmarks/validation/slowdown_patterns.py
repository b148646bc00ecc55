"""Simulated slowdowns that some steps of a training carry, and others do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from machine_noise import Logs, Shape

Mask: TypeAlias = NDArray[np.bool_]
Pattern: TypeAlias = Callable[[np.random.Generator, Shape], Mask]
"""Function of a generator and the numbers of comparisons, pairs and steps. It returns whether each
step is slow, of a shape that can be broadcast to these numbers."""

_EPOCH_STEPS: Final = 20
"""Steps of an epoch, in the pattern whose epochs begin slowly. Launches take whole epochs if they
are short (``controller.schedule``)."""


def log_factors(pattern: str, loss_percent: float, shape: Shape) -> Logs:
    """Return by how much the steps of a slower candidate are longer, on the log scale.

    Args:
        pattern: Pattern of the slowdown, a key of ``PATTERNS``.
        loss_percent: Loss of throughput of a long training, in percent.
        shape: Numbers of comparisons, of pairs and of steps.

    Returns:
        Logarithms of factors, of a shape that can be broadcast to *shape*.
    """
    share = SHARES[pattern]
    extra_time = 1 / (1 - loss_percent / 100) - 1
    is_slow = PATTERNS[pattern](np.random.default_rng(5), shape)
    return np.asarray(np.log1p(is_slow * extra_time / share), dtype=np.float64)


def _all_steps(_generator: np.random.Generator, _shape: Shape) -> Mask:
    """Return True for each step."""
    return np.ones((1, 1, 1), dtype=bool)


def _periodic(period: int, length: int, generator: np.random.Generator, shape: Shape) -> Mask:
    """Return True for *length* steps of each *period*, at the same steps of all launches."""
    phases = generator.integers(0, period, (shape[0], 1, 1))
    return np.asarray((np.arange(shape[-1]) + phases) % period < length)


def _scattered(share: float, generator: np.random.Generator, shape: Shape) -> Mask:
    """Return True for a share of the steps, at other steps in each launch."""
    return generator.random(shape) < share


ALL_STEPS: Final = "all steps"

SCATTERED: Final = "a fifth of the steps, other ones in each launch"

PATTERNS: Final[Mapping[str, Pattern]] = {
    ALL_STEPS: _all_steps,
    "every 2nd": partial(_periodic, 2, 1),
    "every 3rd": partial(_periodic, 3, 1),
    "every 5th": partial(_periodic, 5, 1),
    "every 10th": partial(_periodic, 10, 1),
    "every 20th": partial(_periodic, 20, 1),
    "bursts of 4 in 20": partial(_periodic, 20, 4),
    "first 2 of an epoch of 20": partial(_periodic, _EPOCH_STEPS, 2),
    SCATTERED: partial(_scattered, 0.2),
}
"""Patterns by name."""

SHARES: Final[Mapping[str, float]] = {
    ALL_STEPS: 1.0,
    "every 2nd": 1 / 2,
    "every 3rd": 1 / 3,
    "every 5th": 1 / 5,
    "every 10th": 1 / 10,
    "every 20th": 1 / 20,
    "bursts of 4 in 20": 4 / 20,
    "first 2 of an epoch of 20": 2 / _EPOCH_STEPS,
    SCATTERED: 0.2,
}
"""Shares of the steps that are slow, by pattern."""
