"""Simulate which slowdowns a duet finds and which it lets through, and print a table.

Run it as ``python benchmarks/validation/duets.py``; docs/evidence/gate.md has the table under
"Duets, simulated". In a row, either step times have one kind of noise of a shared machine
(machine_noise.py), or pairs are drawn from recorded ones (simulated_comparisons.py), or the log
ratios of pairs scatter normally.
"""

from __future__ import annotations

import random
import statistics
import sys
from typing import Final

from machine_noise import NOISE_MODELS, PAIRS
from simulated_comparisons import (
    RECORDED,
    comparison_log_ratios,
    covered_share,
    decide_by_duet,
    true_log_ratios,
)
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import paired_difference
from traingate.records import Outcome

COMPARISONS: Final = 4000
POLICY: Final = pair_policy(5.0, PAIRS)
LOSSES: Final = (0.0, 5.0, 10.0, 15.0)
"""Losses of throughput, in percent."""

INTERVAL_PAIRS: Final = 5
"""Number of pairs from which the spread and the intervals are computed."""

SCATTER: Final = {"pairs that scatter by 3 %": 0.03, "pairs that scatter by 4.5 %": 0.045}
"""Standard deviation of the log ratios in each row with normal scatter: 3 % as with glibc's
thresholds, 4.5 % as in a process without any steadying."""


def row_log_ratios(row: str) -> list[list[float]]:
    """Return the log ratios of the comparisons of a row; both sides are equally fast."""
    if row not in SCATTER:
        return comparison_log_ratios(row, COMPARISONS)
    generator = random.Random(1)  # noqa: S311 - simulations need repeatable numbers, not secrets
    return [[generator.gauss(0, SCATTER[row]) for _ in range(PAIRS)] for _ in range(COMPARISONS)]


def cells(row: str) -> list[str]:
    """Return the cells of a row, its name first."""
    comparisons = row_log_ratios(row)
    changes = [paired_difference(log_ratios[:INTERVAL_PAIRS]) for log_ratios in comparisons]
    spread = statistics.median(change.spread for change in changes)
    failed, inconclusive, pairs = {}, {}, {}
    for loss in LOSSES:
        decisions = [decide_by_duet(log_ratios, loss, POLICY) for log_ratios in comparisons]
        outcomes = [decision.outcome for decision in decisions]
        failed[loss] = 100 * outcomes.count(Outcome.REGRESSED) / COMPARISONS
        inconclusive[loss] = 100 * outcomes.count(Outcome.INCONCLUSIVE) / COMPARISONS
        pairs[loss] = statistics.median(decision.pairs for decision in decisions)
    truths = true_log_ratios(row, COMPARISONS)
    return [
        row,
        f"{100 * spread:.1f} %",
        f"{failed[0.0]:.2g} %",
        f"{pairs[0.0]:g} pairs, {inconclusive[0.0]:.2g} %",
        f"{failed[5.0]:.2g} %",
        f"{failed[10.0]:.4g} % in {pairs[10.0]:g} pairs",
        f"{failed[15.0]:.4g} % in {pairs[15.0]:g} pairs",
        f"{100 * covered_share(comparisons, truths, INTERVAL_PAIRS):.1f} %",
    ]


def main() -> None:
    """Print a row for each kind of noise, for recorded pairs, and for each normal scatter."""
    for row in (*NOISE_MODELS, RECORDED, *SCATTER):
        sys.stdout.write(f"| {' | '.join(cells(row))} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
