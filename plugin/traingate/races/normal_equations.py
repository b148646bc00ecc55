"""Solve the least-squares equations of candidates and heats, in a form that stays small. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.floating[Any]]


def solve(shares: Array, sums: Array, heat_sums: Array) -> tuple[Array, Array, Array]:
    """Return the effects of candidates and of heats, and the covariance of the candidates.

    Of the two kinds, the one with more members is eliminated from the normal equations: its part of
    them is diagonal. The common constant is set by a matrix of ones, on which no contrast of
    candidates depends.

    Args:
        shares: Number of launches of each candidate in each heat, which connect all of them.
        sums: Sum of the values of each candidate.
        heat_sums: Sum of the values of each heat.
    """
    if shares.shape[0] < shares.shape[1]:
        heat_means = shares / shares.sum(axis=0)
        left = np.diag(shares.sum(axis=1)) - heat_means @ shares.T
        covariance = np.linalg.inv(left + 1.0 / len(left))
        effects = covariance @ (sums - heat_means @ heat_sums)
        heat_effects = (heat_sums - shares.T @ effects) / shares.sum(axis=0)
        return effects, heat_effects, covariance
    counts = shares.sum(axis=1)
    means = shares / counts[:, None]
    left = np.diag(shares.sum(axis=0)) - shares.T @ means
    inverse = np.linalg.inv(left + 1.0 / len(left))
    heat_effects = inverse @ (heat_sums - means.T @ sums)
    effects = (sums - shares @ heat_effects) / counts
    covariance = np.diag(1.0 / counts) + means @ inverse @ means.T
    return effects, heat_effects, covariance
