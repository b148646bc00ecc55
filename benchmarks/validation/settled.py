"""Simulate comparisons with stored launches, and with a duet if these do not pass; print a table.

Run it as ``python benchmarks/validation/settled.py``; docs/evidence/gate.md has the table under
"Stored launches followed by a duet, simulated". The bias of the yardstick may change between saving
and comparing, by one random factor for each comparison.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Final

from simulated_comparisons import screened_outcomes
from traingate.records import Outcome

COMPARISONS: Final = 4000
SPREAD: Final = 0.03
"""Standard deviation of the log of a launch's level relative to the yardstick."""

BIASES: Final = (0.0, 0.01, 0.02, 0.03, 0.05)
"""Standard deviations of the log of the factor by which the yardstick's bias changes."""

LOSSES: Final = (0.0, 5.0, 10.0, 15.0)
"""Losses of throughput, in percent."""


def cell(bias: float, loss: float) -> str:
    """Return one cell: the percentages that fail and that pass by the stored launches alone."""
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
