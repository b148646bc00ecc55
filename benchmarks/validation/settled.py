"""Simulate stored launches followed by a duet where these do not pass.

Run as ``python benchmarks/validation/settled.py``; it prints the table of docs/gate.md. Between
saving and comparing, the yardstick's bias may change: one random number for each comparison.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

from simulated_comparisons import screened_outcomes
from traingate.records import Outcome

COMPARISONS: Final = 4000
SPREAD: Final = 0.03
"""Standard deviation of the log of a launch's level beside the yardstick."""

BIASES: Final = (0.0, 0.01, 0.02, 0.03, 0.05)
"""Standard deviations of the log of the factor by which the yardstick's bias changes."""

LOSSES: Final = (0.0, 5.0, 10.0, 15.0)
"""Losses of throughput, in percent."""


def cell(bias: float, loss: float) -> str:
    """Return one cell: the percentages that fail, and that the stored launches alone let pass."""
    counts = Counter(screened_outcomes(COMPARISONS, SPREAD, bias, loss))
    failed = sum(count for end, count in counts.items() if end.outcome is Outcome.REGRESSED)
    passed = sum(count for end, count in counts.items() if end.by_screen)
    return (
        f"{100 * failed / COMPARISONS:.4g} % failed, "
        f"{100 * passed / COMPARISONS:.4g} % passed by the screen"
    )


def main() -> None:
    """Print a row for each bias, with a cell for each loss."""
    for bias in BIASES:
        cells = [cell(bias, loss) for loss in LOSSES]
        sys.stdout.write(f"| {100 * bias:g} % | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
