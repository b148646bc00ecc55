"""Simulate stored launches with the duet behind them, for the table of docs/evidence/gate.md.

Run as ``python benchmarks/validation/settled.py``. Between saving and comparing, the yardstick may
leave an hour's bias: the stored launches of each comparison are moved by one random draw.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import recordings
from traingate.records import Outcome

TRIES = 4000
SPREAD = 0.03


def cell(bias: float, loss: float) -> str:
    """One cell: how often it fails, and how often a false pass of the screen ended it."""
    ends = Counter(recordings.screened_and_settled(TRIES, SPREAD, bias, loss))
    failed = sum(count for end, count in ends.items() if end.outcome is Outcome.REGRESSED)
    passed = sum(count for end, count in ends.items() if end.screened)
    return f"{100 * failed / TRIES:.4g} % failed, {100 * passed / TRIES:.4g} % passed by the screen"


def main() -> None:
    """Print a row for each bias."""
    for bias in (0.0, 0.01, 0.02, 0.03, 0.05):
        cells = [cell(bias, loss) for loss in (0.0, 5.0, 10.0, 15.0)]
        print(f"| {100 * bias:g} % |", " | ".join(cells), "|", flush=True)  # noqa: T201 - a table


main()
