"""Simulate what a duet finds and lets through, and print the table of docs/evidence/gate.md.

Run as ``python benchmarks/validation/duets.py``. Step times come from ``tests/noise.py``, one habit
of a shared machine per row, or are drawn from recorded pairs (``tests/recorded``).
"""

from __future__ import annotations

import random
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import noise
from recordings import log_ratios, true_log_ratio
from traingate.gate.decision import first_decision
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import log_factor, paired
from traingate.records import Method, Outcome

POLICY = pair_policy(5.0, noise.PAIRS)
TRIES = 4000

SCATTERING = {"pairs that scatter by 3 %": 0.03, "pairs that scatter by 4.5 %": 0.045}
"""Where the promises end: normal scatter as of glibc's thresholds, and of a bare process."""


def comparisons(row: str) -> list[list[float]]:
    """Log ratios of equally fast sides: as the tests simulate them, or with a scatter given."""
    if row not in SCATTERING:
        return log_ratios(row, TRIES)
    dice = random.Random(1)  # noqa: S311 - chance with a seed is what simulations want
    return [[dice.gauss(0, SCATTERING[row]) for _ in range(noise.PAIRS)] for _ in range(TRIES)]


def cells(row: str) -> list[str]:
    """One line of the table."""
    ratios = comparisons(row)
    found = {
        loss: [
            first_decision([value + log_factor(loss) for value in values], Method.STEPS, POLICY)
            for values in ratios
        ]
        for loss in (0.0, 5.0, 10.0, 15.0)
    }
    failed = {
        loss: 100 * sum(outcome is Outcome.REGRESSED for outcome, _ in results) / TRIES
        for loss, results in found.items()
    }
    unclear = 100 * sum(outcome is Outcome.INCONCLUSIVE for outcome, _ in found[0.0]) / TRIES
    pairs = {loss: statistics.median(n for _, n in results) for loss, results in found.items()}
    intervals = [paired(values[:5]) for values in ratios]
    truths = [true_log_ratio(row, number) for number in (0, 1)]
    covered = statistics.fmean(
        item.lower(0.025) <= truths[number % 2] <= item.upper(0.025)
        for number, item in enumerate(intervals)
    )
    spread = statistics.median(item.spread for item in intervals)
    return [
        row,
        f"{100 * spread:.1f} %",
        f"{failed[0.0]:.2g} %",
        f"{pairs[0.0]:g} pairs, {unclear:.2g} %",
        f"{failed[5.0]:.2g} %",
        f"{failed[10.0]:.4g} % in {pairs[10.0]:g} pairs",
        f"{failed[15.0]:.4g} % in {pairs[15.0]:g} pairs",
        f"{100 * covered:.1f} %",
    ]


for row in (*noise.HABITS, "recorded", *SCATTERING):
    print(f"| {' | '.join(cells(row))} |", flush=True)  # noqa: T201 - it prints a table
