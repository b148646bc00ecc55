"""Put the same recorded launches before several tools' rules, and print one table.

Run as ``python benchmarks/peers/compare.py``; nothing is timed. Launches are drawn from
``recorded.json`` (by record.py) and ``noisy.json`` (of ``--traingate-against``, in a noisy hour);
where stored and new launches are of the same code, no launch is on both sides. All tools get the
machine time that traingate takes for unchanged code in the median (the test by itself, then its
duet), spent as each would: the others measure one side, then the other.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from rules import PROCESSES, RULES  # noqa: E402

from traingate.gate.decision import first_decision  # noqa: E402
from traingate.gate.policy import pair_policy  # noqa: E402
from traingate.records import Method, Outcome  # noqa: E402

TRIES: Final = 4000
MOST_PAIRS: Final = 12
SOLO_LAUNCHES: Final = 3
"""Of a test by itself, before its duet."""

RECORDED: Final = (HERE / "recorded.json", HERE / "noisy.json")


def duet(recorded: Any, percent: str, tolerance: float, dice: random.Random) -> tuple[bool, int]:
    """Whether traingate's duet fails, and after how many pairs."""
    ratios = [pair["log_ratio"] for pair in recorded["pairs"][percent]]
    drawn = dice.choices(ratios, k=MOST_PAIRS)
    outcome, pairs = first_decision(drawn, Method.STEPS, pair_policy(tolerance, MOST_PAIRS))
    return outcome is Outcome.REGRESSED, pairs


def peer(recorded: Any, percent: str, name: str, launches: int, dice: random.Random) -> bool:
    """Whether the peer fails, with so many launches on either side."""
    plain = [launch["steps"] for launch in recorded["launches"]["0"]]
    if percent == "0":
        drawn = dice.sample(plain, k=2 * launches)
        return RULES[name](drawn[:launches], drawn[launches:])
    slowed = [launch["steps"] for launch in recorded["launches"][percent]]
    return RULES[name](dice.sample(plain, k=launches), dice.sample(slowed, k=launches))


def share(found: Callable[[random.Random], bool]) -> str:
    """In how many of all tries, in percent."""
    dice = random.Random(0)  # noqa: S311 - chance with a seed is what simulations want
    hits = sum(found(dice) for _ in range(TRIES))
    return f"{100 * hits / TRIES:.3g} %"


def seconds_of(recorded: Any, pairs: float) -> float:
    """Machine time of a test by itself and of so many pairs."""
    solo: float = SOLO_LAUNCHES * recorded["seconds_per_launch"]
    return solo + float(pairs * recorded["seconds_per_pair"])


def peers(recorded: Any, budget: float) -> list[str]:
    """A line for each tool."""
    lines = []
    fitting = int(budget / 2 / recorded["seconds_per_launch"])
    for name in RULES:
        launches = min(PROCESSES.get(name, fitting), fitting, len(recorded["launches"]["0"]) // 2)
        cells = [
            share(partial(peer, recorded, percent, name, launches))
            for percent in recorded["launches"]
        ]
        seconds = 2 * launches * recorded["seconds_per_launch"]
        title = f"{name}, {launches} + {launches} launches"
        lines.append(f"| {title} | {' | '.join(cells)} | {seconds:.0f} |")
    return lines


def ours(recorded: Any) -> list[str]:
    """A line for each of two tolerances; the seconds are means, by slowdown."""
    lines = []
    for tolerance in (2.5, 5.0):
        cells, spent = [], []
        for percent in recorded["pairs"]:
            dice = random.Random(0)  # noqa: S311 - see above
            found = [duet(recorded, percent, tolerance, dice) for _ in range(TRIES)]
            cells.append(f"{100 * sum(failed for failed, _ in found) / TRIES:.3g} %")
            pairs = statistics.fmean(count for _, count in found)
            spent.append(f"{seconds_of(recorded, pairs):.0f}")
        title = f"traingate, duet, tolerance {tolerance:g} %"
        lines.append(f"| {title} | {' | '.join(cells)} | {' / '.join(spent)} |")
    return lines


def table(recorded: Any) -> list[str]:
    """The lines of one recording's table."""
    dice = random.Random(0)  # noqa: S311 - see above
    usual = statistics.median(duet(recorded, "0", 5, dice)[1] for _ in range(TRIES))
    launches, pairs = (len(recorded[what]["0"]) for what in ("launches", "pairs"))
    slowed = [f"finds {percent} %" for percent in recorded["pairs"] if percent != "0"]
    return [
        f"{recorded['workload']}; {recorded['machine']}; torch {recorded['torch']}; "
        f"{launches} launches and {pairs} pairs of each kind:",
        "",
        f"| rule | false alarms | {' | '.join(slowed)} | seconds of measuring |",
        "|---" * (3 + len(slowed)) + "|",
        *peers(recorded, seconds_of(recorded, usual)),
        *ours(recorded),
        "",
    ]


def main() -> None:
    """Print a table for each recording."""
    for file in RECORDED:
        content = json.loads(file.read_text())
        for recorded in content if isinstance(content, list) else [content]:
            sys.stdout.write("\n".join(table(recorded)) + "\n")


if __name__ == "__main__":
    main()
