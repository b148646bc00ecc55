"""Simulate what stored launches alone decide, and print the table of docs/evidence/gate.md."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from launches import noisy
from recordings import first_decision_of_launches
from traingate.gate.policy import Policy
from traingate.records import Outcome

POLICY = Policy(tolerance=0.05, first_look=3, most=8)
TRIES = 400
SECONDS = 0.1


def compare(spread: float, loss: float, seed: int) -> Outcome:
    """One comparison: three stored launches, and new ones until a look decides."""
    stored = noisy(3, SECONDS, spread, seed)
    new = noisy(POLICY.most, SECONDS / (1 - loss), spread, seed + 10**6)
    return first_decision_of_launches(stored, new, POLICY)


for loss in (0.0, 0.05, 0.10, 0.15, 0.23, 0.30):
    cells = []
    for spread in (0.02, 0.03, 0.05, 0.08):
        counts = Counter(compare(spread, loss, seed) for seed in range(TRIES))
        passed, failed = counts[Outcome.PASSED], counts[Outcome.REGRESSED]
        cells.append(f"{100 * passed / TRIES:g} passed, {100 * failed / TRIES:g} failed")
    print(f"| {100 * loss:g} % |", " | ".join(cells), "|")  # noqa: T201 - it prints a table
