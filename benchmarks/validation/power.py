"""Simulate the verdicts of stored launches without a duet, and print a table.

Run it as ``python benchmarks/validation/power.py``; docs/evidence/gate.md has the table under
"Stored launches alone, simulated".
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

from simulated_comparisons import decide_by_launches
from simulated_launches import noisy_launches
from traingate.gate.policy import Policy
from traingate.records import Outcome

POLICY: Final = Policy(tolerance=0.05, first_look=3, maximum=8)
COMPARISONS: Final = 400
STEP_SECONDS: Final = 0.1
LOSSES: Final = (0.0, 0.05, 0.10, 0.15, 0.23, 0.30)
"""Losses of throughput, as fractions."""

SPREADS: Final = (0.02, 0.03, 0.05, 0.08)
"""Standard deviations of the log of a launch's level."""


def compare(spread: float, loss: float, seed: int) -> Outcome:
    """Return the outcome of new launches, compared with three stored ones until a look decides.

    Args:
        spread: Standard deviation of the log of a launch's level.
        loss: Loss of throughput, as a fraction.
        seed: Seed of the random numbers, below a million.
    """
    stored = noisy_launches(3, STEP_SECONDS, spread, seed)
    new = noisy_launches(POLICY.maximum, STEP_SECONDS / (1 - loss), spread, seed + 10**6)
    return decide_by_launches(stored, new, POLICY)


def cell(spread: float, loss: float) -> str:
    """Return one cell: the percentages of comparisons that pass and that fail."""
    counts = Counter(compare(spread, loss, seed) for seed in range(COMPARISONS))
    passed = 100 * counts[Outcome.PASSED] / COMPARISONS
    failed = 100 * counts[Outcome.REGRESSED] / COMPARISONS
    return f"{passed:g} passed, {failed:g} failed"


def main() -> None:
    """Print a row for each loss, with a cell for each spread."""
    for loss in LOSSES:
        cells = [cell(spread, loss) for spread in SPREADS]
        sys.stdout.write(f"| {100 * loss:g} % | {' | '.join(cells)} |\n")


if __name__ == "__main__":
    main()
