"""Simulate which slowdowns a duet finds and which it lets through, and print two tables.

Run it as ``python benchmarks/validation/duets.py``; docs/evidence/gate.md has the tables under
"Duets, simulated". In a row, either step times have one kind of noise of a shared machine
(machine_noise.py), or pairs are drawn from recorded ones (simulated_comparisons.py). The first
table slows all steps down, the second one some of them (slowdown_patterns.py).
"""

from __future__ import annotations

import statistics
import sys
from typing import Final

from machine_noise import NOISE_MODELS, PAIRS
from simulated_comparisons import (
    RECORDED,
    SimulatedDuets,
    covered_share,
    decide,
    true_log_ratios,
    unchanged_duets,
)
from slowdown_patterns import ALL_STEPS, PATTERNS
from traingate.gate.policy import pair_policy
from traingate.records import Outcome

COMPARISONS: Final = 4000
POLICY: Final = pair_policy(5.0, PAIRS)
LOSSES: Final = (5.0, 10.0, 15.0)
"""Losses of throughput, in percent."""

INTERVAL_PAIRS: Final = 5
"""Number of pairs from which the spread and the intervals are computed."""


def failures(duets: SimulatedDuets, pattern: str, loss: float) -> tuple[float, float]:
    """Return the percentage of duets that fail with a slower candidate, and their median pairs."""
    decisions = decide(duets.slowed(pattern, loss), POLICY)
    failed = sum(decision.outcome is Outcome.REGRESSED for decision in decisions)
    pairs = statistics.median(decision.pairs for decision in decisions)
    return 100 * failed / len(decisions), pairs


def uniform_cells(noise: str, duets: SimulatedDuets) -> list[str]:
    """Return the cells of a row of the first table."""
    spread = statistics.median(change.repeatable.spread for change in duets.changes(INTERVAL_PAIRS))
    unchanged = decide(duets, POLICY)
    outcomes = [decision.outcome for decision in unchanged]
    pairs = statistics.fmean(decision.pairs for decision in unchanged)
    at_tolerance, twice, thrice = (failures(duets, ALL_STEPS, loss) for loss in LOSSES)
    covered = covered_share(duets, true_log_ratios(noise, COMPARISONS), INTERVAL_PAIRS)
    return [
        noise,
        f"{100 * spread:.1f} %",
        f"{100 * outcomes.count(Outcome.REGRESSED) / COMPARISONS:.2g} %",
        f"{pairs:.1f} pairs, {100 * outcomes.count(Outcome.INCONCLUSIVE) / COMPARISONS:.2g} %",
        f"{at_tolerance[0]:.2g} %",
        *(f"{failed:.4g} % in {pairs:g} pairs" for failed, pairs in (twice, thrice)),
        f"{100 * covered:.1f} %",
    ]


def pattern_cells(noise: str, duets: SimulatedDuets) -> list[str]:
    """Return the cells of a row of the second table."""
    cells = [noise]
    for pattern in PATTERNS:
        if pattern != ALL_STEPS:
            at_tolerance, (twice, pairs) = (failures(duets, pattern, loss) for loss in LOSSES[:2])
            cells.append(f"{at_tolerance[0]:.2g} %; {twice:.4g} % in {pairs:g}")
    return cells


def main() -> None:
    """Print both tables, a row for each kind of noise.

    The recorded pairs have fewer steps in common than the patterns are long, so they are in the
    first table alone.
    """
    for cells, kinds in (
        (uniform_cells, (*NOISE_MODELS, RECORDED)),
        (pattern_cells, tuple(NOISE_MODELS)),
    ):
        for noise in kinds:
            row = cells(noise, unchanged_duets(noise, COMPARISONS))
            sys.stdout.write(f"| {' | '.join(row)} |\n")
            sys.stdout.flush()
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
