"""Simulate whether many small losses are found, and print two tables.

Run it as ``python benchmarks/validation/creep.py``; docs/evidence/gate.md has the tables under
"Creep, simulated". The first is of histories, the second of the gate's anchor: comparisons with
three stored launches of the anchor, and a duet with its commit if these do not pass.
"""

from __future__ import annotations

import math
import sys
from typing import Final

import numpy as np

from simulated_comparisons import RECORDED, screened_outcomes
from traingate.history.anchors import change_since
from traingate.history.levels import find_changes, point_spread
from traingate.records import Outcome

LAUNCHES: Final = 3
"""Launches of each commit, as at scale ``quick``."""

SPREADS: Final = (0.02, 0.03, 0.04)
"""Standard deviations of the log of a launch's level, relative to the yardstick."""

HISTORIES: Final = 1000
FLAT_COMMITS: Final = 100
CREEPING_COMMITS: Final = 8
LOSS_PER_COMMIT: Final = 2.0
"""Loss of throughput of each creeping commit, in percent."""

BEFORE: Final = 5
"""Commits before the creep; the newest of them is the anchor."""

TOLERANCE: Final = 5.0
COMPARISONS: Final = 10_000
MACHINE_BIAS: Final = 0.01
"""Standard deviation of the log of the factor by which the yardstick's bias changes in between."""


def flat(commits: int) -> list[float]:
    """Return the logarithms of an unchanged throughput."""
    return [0.0] * commits


def creeping() -> list[float]:
    """Return the logarithms of a throughput that eight commits lower, the newest one included."""
    loss = math.log1p(-LOSS_PER_COMMIT / 100)
    return [*flat(BEFORE), *(loss * number for number in range(1, CREEPING_COMMITS + 1))]


def measured(levels: list[float], spread: float, generator: np.random.Generator) -> list[float]:
    """Return the levels as commits of a few launches each measure them."""
    errors = generator.normal(0, spread, (len(levels), LAUNCHES)).mean(axis=1)
    return [float(level) for level in np.asarray(levels) + errors]


def raises_alarm(values: list[float], anchor: int) -> bool:
    """Return whether ``traingate history`` ends with the status for a loss.

    Args:
        values: Logarithm of the throughput at each commit.
        anchor: Index of the anchor.
    """
    spread = point_spread(values, [LAUNCHES] * len(values))
    since = change_since(
        anchor,
        "",
        values,
        ramps=find_changes(values, spread),
        spread=spread,
        tolerance_percent=TOLERANCE,
    )
    return since.is_loss


def raises_any_alarm(values: list[float]) -> bool:
    """Return whether a history raises an alarm at any of its commits; the first is the anchor."""
    return any(raises_alarm(values[: count + 1], 0) for count in range(1, len(values)))


def history_shares(spread: float, histories: int) -> tuple[float, float]:
    """Return the shares of creeping histories that are found, and of flat ones that raise an alarm.

    Args:
        spread: Standard deviation of the log of a launch's level.
        histories: Number of histories of each kind.
    """
    generator = np.random.default_rng(1)
    creeps = [measured(creeping(), spread, generator) for _ in range(histories)]
    flats = [measured(flat(FLAT_COMMITS), spread, generator) for _ in range(histories)]
    found = sum(raises_alarm(values, BEFORE - 1) for values in creeps)
    return found / histories, sum(map(raises_any_alarm, flats)) / histories


def anchor_share(noise: str, loss: float, comparisons: int) -> float:
    """Return the share of comparisons with the anchor that fail.

    Args:
        noise: Kind of noise during the duets.
        loss: Loss of throughput since the anchor, in percent.
        comparisons: Number of comparisons.
    """
    outcomes = screened_outcomes(comparisons, 0.03, MACHINE_BIAS, loss, noise)
    failed = sum(item.outcome is Outcome.REGRESSED for item in outcomes)
    return failed / comparisons


def main() -> None:
    """Print both tables."""
    for spread in SPREADS:
        found, false = history_shares(spread, HISTORIES)
        sys.stdout.write(f"| {100 * spread:g} % | {100 * found:.4g} % | {100 * false:.2g} % |\n")
        sys.stdout.flush()
    sys.stdout.write("\n")
    loss = 100 * (1 - (1 - LOSS_PER_COMMIT / 100) ** CREEPING_COMMITS)
    for noise in ("quiet", RECORDED):
        found = anchor_share(noise, loss, COMPARISONS)
        per_commit = anchor_share(noise, 0.0, COMPARISONS)
        false = 1 - (1 - per_commit) ** FLAT_COMMITS
        sys.stdout.write(f"| {noise} | {100 * found:.4g} % | {100 * false:.2g} % |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
