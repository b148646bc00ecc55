"""Simulated step times of duets on a shared machine, for several kinds of noise.

A kind of noise is a way in which the speed of a shared machine changes over time. Both sides of the
simulated duets are equally fast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Shape: TypeAlias = tuple[int, ...]
Logs: TypeAlias = NDArray[np.float64]
LogFactors: TypeAlias = NDArray[np.float64]
NoiseModel: TypeAlias = Callable[[np.random.Generator, Shape], LogFactors]
"""Function of a generator and a shape whose last axis is time. It returns the log of the factor by
which the machine lengthens each step."""

ROUNDS: Final = 20
"""Rounds of one pair; each has four turns in the order A B B A, with one step per turn."""

PAIRS: Final = 16
"""Pairs of one comparison."""

_STEP_SECONDS: Final = 0.15

_LAUNCH_SPREAD: Final = 0.015
"""Standard deviation of the log of a launch's level; each launch has other memory addresses."""

_STEP_SPREAD: Final = 0.05
"""Standard deviation of the log of single steps."""


def log_step_seconds(noise: str, comparisons: int, seed: int) -> tuple[Logs, Logs]:
    """Return the step times of simulated duets of equally fast sides.

    Args:
        noise: Kind of noise, a key of ``NOISE_MODELS``.
        comparisons: Number of comparisons.
        seed: Seed of the random numbers.

    Returns:
        Logarithms of seconds of the candidate and of the base, each of shape
        ``[comparisons, PAIRS, 2 * ROUNDS]``. The side that takes the first turn alternates from
        pair to pair.
    """
    generator = np.random.default_rng(seed)
    shape = (comparisons, PAIRS, 4 * ROUNDS)
    log_factors = NOISE_MODELS[noise](generator, shape) + generator.normal(0, _STEP_SPREAD, shape)
    rounds = (np.log(_STEP_SECONDS) + log_factors).reshape(comparisons, PAIRS, ROUNDS, 4)
    outer_turns, inner_turns = rounds[..., [0, 3]], rounds[..., [1, 2]]
    base_first = (np.arange(PAIRS) % 2 == 1)[None, :, None, None]
    candidate = np.where(base_first, inner_turns, outer_turns)
    base = np.where(base_first, outer_turns, inner_turns)
    levels = generator.normal(0, _LAUNCH_SPREAD, (2, comparisons, PAIRS, 1))
    side_shape = (comparisons, PAIRS, 2 * ROUNDS)
    return candidate.reshape(side_shape) + levels[0], base.reshape(side_shape) + levels[1]


def _no_noise(_generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a constant speed."""
    return np.zeros(shape)


def _drift(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a random slope and a random walk."""
    slope = generator.uniform(-0.5, 0.5, (*shape[:-1], 1))
    walk = np.cumsum(generator.normal(0, 0.01, shape), axis=-1)
    return np.asarray(slope * np.linspace(0, 1, shape[-1]) + walk, dtype=np.float64)


def _steal_bursts(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return short periods in which the hypervisor gives the cores to other machines."""
    return _slow_periods(generator, shape, 0.03, 0.3) * generator.uniform(0.3, 0.9, shape)


def _outliers(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return single steps, one in twenty, that take several times as long."""
    is_outlier = generator.random(shape) < 0.05  # noqa: PLR2004 - one in twenty
    return np.asarray(is_outlier * np.log1p(generator.exponential(1.0, shape)), dtype=np.float64)


def _autocorrelation(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a stationary first-order autoregressive process."""
    coefficient, spread = 0.9, 0.15
    values = np.empty(shape)
    values[..., 0] = generator.normal(0, spread, shape[:-1])
    innovation_spread = spread * np.sqrt(1 - coefficient**2)
    for step in range(1, shape[-1]):
        innovation = generator.normal(0, innovation_spread, shape[:-1])
        values[..., step] = coefficient * values[..., step - 1] + innovation
    return values


def _order_effect(_generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return a loss in every second turn, the first that a side takes after it has waited."""
    turn = np.arange(shape[-1])
    return np.broadcast_to(0.08 * (turn % 2 == 1), shape)


def _noisy_neighbour(generator: np.random.Generator, shape: Shape) -> LogFactors:
    """Return long periods in which steps take 1.75 times as long."""
    return np.asarray(_slow_periods(generator, shape, 0.1, 0.1) * np.log(1.75), dtype=np.float64)


def _slow_periods(
    generator: np.random.Generator, shape: Shape, begin: float, end: float
) -> NDArray[np.bool_]:
    """Return whether each step is in a slow period; such periods begin and end by chance.

    Args:
        generator: Source of the random numbers.
        shape: Shape of the result; time is the last axis.
        begin: Probability per step that a period begins.
        end: Probability per step that a period ends.
    """
    in_period = np.zeros(shape, dtype=bool)
    in_period[..., 0] = generator.random(shape[:-1]) < begin / (begin + end)
    for step in range(1, shape[-1]):
        chance = generator.random(shape[:-1])
        in_period[..., step] = np.where(in_period[..., step - 1], chance >= end, chance < begin)
    return in_period


NOISE_MODELS: Final[Mapping[str, NoiseModel]] = {
    "quiet": _no_noise,
    "drift": _drift,
    "steal bursts": _steal_bursts,
    "outliers": _outliers,
    "autocorrelation": _autocorrelation,
    "order effect": _order_effect,
    "noisy neighbour": _noisy_neighbour,
}
