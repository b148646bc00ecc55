"""Made-up step times of a shared machine: what pairs of a duet come to under its habits."""

from __future__ import annotations

import numpy as np

ROUNDS = 16
PAIRS = 12
_LAUNCH_SPREAD = 0.015  # of one side's level, for layout luck
_STEP_SPREAD = 0.05


def _autocorrelated(dice, shape, memory: float, spread: float):
    """A stationary AR(1) process along the last axis."""
    values = np.empty(shape)
    values[..., 0] = dice.normal(0, spread, shape[:-1])
    innovation = spread * np.sqrt(1 - memory**2)
    for step in range(1, shape[-1]):
        values[..., step] = memory * values[..., step - 1] + dice.normal(0, innovation, shape[:-1])
    return values


def _spells(dice, shape, begin: float, end: float):
    """0 and 1 along the last axis: spells that begin and end by chance."""
    on = np.zeros(shape, dtype=bool)
    on[..., 0] = dice.random(shape[:-1]) < begin / (begin + end)
    for step in range(1, shape[-1]):
        chance = dice.random(shape[:-1])
        on[..., step] = np.where(on[..., step - 1], chance >= end, chance < begin)
    return on


def _quiet(dice, shape):
    return np.zeros(shape)


def _drift(dice, shape):
    slope = dice.uniform(-0.5, 0.5, (*shape[:-1], 1))
    return slope * np.linspace(0, 1, shape[-1]) + np.cumsum(dice.normal(0, 0.01, shape), axis=-1)


def _steal_bursts(dice, shape):
    return _spells(dice, shape, 0.03, 0.3) * dice.uniform(0.3, 0.9, shape)


def _outliers(dice, shape):
    return (dice.random(shape) < 0.05) * np.log1p(dice.exponential(1.0, shape))


def _autocorrelation(dice, shape):
    return _autocorrelated(dice, shape, 0.9, 0.15)


def _order_effect(_dice, shape):
    turn = np.arange(shape[-1])
    return np.broadcast_to(0.08 * (turn % 2 == 1), shape)  # A B B A: who has just waited is slower


def _noisy_neighbour(dice, shape):
    return _spells(dice, shape, 0.1, 0.1) * np.log(1.75)


HABITS = {
    "quiet": _quiet,
    "drift": _drift,
    "steal bursts": _steal_bursts,
    "outliers": _outliers,
    "autocorrelation": _autocorrelation,
    "order effect": _order_effect,
    "noisy neighbour": _noisy_neighbour,
}


def step_seconds(habit: str, tries: int, seed: int):
    """Step seconds ``[tries, PAIRS, 2, 2 * ROUNDS]`` of candidate and base, equally fast."""
    dice = np.random.default_rng(seed)
    shape = (tries, PAIRS, 4 * ROUNDS)
    machine = HABITS[habit](dice, shape) + dice.normal(0, _STEP_SPREAD, shape)
    rounds = np.exp(np.log(0.15) + machine).reshape(tries, PAIRS, ROUNDS, 4)
    first, second = rounds[..., [0, 3]], rounds[..., [1, 2]]
    swapped = (np.arange(PAIRS) % 2 == 1)[None, :, None, None]
    sides = np.stack(
        [np.where(swapped, second, first), np.where(swapped, first, second)], axis=2
    ).reshape(tries, PAIRS, 2, 2 * ROUNDS)
    level = np.exp(dice.normal(0, _LAUNCH_SPREAD, (tries, PAIRS, 2, 1)))
    return sides * level


def log_ratios(seconds):
    """As ``stats.round_log_ratios`` with one step a turn, and its median: ``[tries, PAIRS]``."""
    logs = np.log(seconds[:, :, 0]) - np.log(seconds[:, :, 1])
    return np.median(logs.reshape(*logs.shape[:2], ROUNDS, 2).mean(axis=-1), axis=-1)
