"""Apply several tools' rules to the same recorded launches, and print a table for each recording.

Run as ``python benchmarks/peers/compare.py``; nothing is timed. Launches are drawn from
recorded.json (by record.py) and noisy.json (of ``--traingate-against``, in a noisy hour); where
stored and new launches are of the same code, no launch is on both sides. All tools get the machine
time that traingate takes for unchanged code in the median (the test by itself, then its duet). The
others spend it by measuring one side, then the other, as they would.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

from rules import PROCESSES, RULES
from traingate.gate.decision import first_decision
from traingate.gate.policy import pair_policy
from traingate.records import Method, Outcome

TRIES: Final = 4000
MOST_PAIRS: Final = 12
SOLO_LAUNCHES: Final = 3
"""Launches of a test by itself, before its duet."""

HERE: Final = Path(__file__).resolve().parent
RECORDINGS: Final = (HERE / "recorded.json", HERE / "noisy.json")

UNCHANGED: Final = "0"
"""Slowdown of unchanged code, in percent, as the recordings have it."""


class RecordedLaunch(TypedDict):
    """One launch; ``steps`` are its step times in seconds."""

    steps: list[float]


class RecordedPair(TypedDict):
    """One pair of a duet; ``log_ratio`` is the log of the candidate's step over the base's."""

    log_ratio: float


class Recording(TypedDict):
    """One workload's launches and pairs, by slowdown in percent."""

    workload: str
    machine: str
    torch: str
    seconds_per_launch: float
    seconds_per_pair: float
    launches: dict[str, list[RecordedLaunch]]
    pairs: dict[str, list[RecordedPair]]


class Decision(NamedTuple):
    """Decision of traingate's duet.

    Attributes:
        fails: Whether the gate fails.
        pairs: Number of pairs taken by then.
    """

    fails: bool
    pairs: int


def seeded() -> random.Random:
    """Return a generator that starts the same for each cell."""
    return random.Random(0)  # noqa: S311 - simulations need repeatable numbers, not secrets


def decide_by_duet(
    recording: Recording, percent: str, tolerance: float, generator: random.Random
) -> Decision:
    """Return the decision of one duet, of pairs drawn with replacement.

    Args:
        recording: Recording to draw from.
        percent: Slowdown of the candidate, in percent.
        tolerance: Tolerance of the gate, in percent.
        generator: Source of the random numbers.
    """
    log_ratios = [pair["log_ratio"] for pair in recording["pairs"][percent]]
    drawn = generator.choices(log_ratios, k=MOST_PAIRS)
    outcome, pairs = first_decision(drawn, Method.STEPS, pair_policy(tolerance, MOST_PAIRS))
    return Decision(outcome is Outcome.REGRESSED, pairs)


def peer_fails(
    recording: Recording, percent: str, name: str, launches: int, generator: random.Random
) -> bool:
    """Return whether another tool fails, on launches drawn without replacement.

    Args:
        recording: Recording to draw from.
        percent: Slowdown of the new launches, in percent.
        name: Name of the tool's rule.
        launches: Number of launches on either side.
        generator: Source of the random numbers.
    """
    plain = [launch["steps"] for launch in recording["launches"][UNCHANGED]]
    if percent == UNCHANGED:
        drawn = generator.sample(plain, k=2 * launches)
        return RULES[name](drawn[:launches], drawn[launches:])
    slowed = [launch["steps"] for launch in recording["launches"][percent]]
    return RULES[name](generator.sample(plain, k=launches), generator.sample(slowed, k=launches))


def share_of_tries(fails: Callable[[random.Random], bool]) -> str:
    """Return the share of all tries in which the rule fails, in percent, as text."""
    generator = seeded()
    failures = sum(fails(generator) for _ in range(TRIES))
    return f"{100 * failures / TRIES:.3g} %"


def machine_seconds(recording: Recording, pairs: float) -> float:
    """Return the seconds that a test by itself and this number of pairs take."""
    solo_seconds = SOLO_LAUNCHES * recording["seconds_per_launch"]
    return solo_seconds + pairs * recording["seconds_per_pair"]


def peer_rows(recording: Recording, budget_seconds: float) -> Iterator[str]:
    """Yield a row for each of the other tools.

    Args:
        recording: Recording to draw from.
        budget_seconds: Seconds of measuring that a tool may spend, half of them on each side.
    """
    launch_seconds = recording["seconds_per_launch"]
    affordable = int(budget_seconds / 2 / launch_seconds)
    recorded = len(recording["launches"][UNCHANGED])
    for name in RULES:
        launches = min(PROCESSES.get(name, affordable), affordable, recorded // 2)
        cells = [
            share_of_tries(partial(peer_fails, recording, percent, name, launches))
            for percent in recording["launches"]
        ]
        title = f"{name}, {launches} + {launches} launches"
        yield f"| {title} | {' | '.join(cells)} | {2 * launches * launch_seconds:.0f} |"


def traingate_rows(recording: Recording) -> Iterator[str]:
    """Yield a row for each of two tolerances; the seconds are means, for each slowdown."""
    for tolerance in (2.5, 5.0):
        cells, seconds = [], []
        for percent in recording["pairs"]:
            generator = seeded()
            decisions = [
                decide_by_duet(recording, percent, tolerance, generator) for _ in range(TRIES)
            ]
            failures = sum(decision.fails for decision in decisions)
            cells.append(f"{100 * failures / TRIES:.3g} %")
            mean_pairs = statistics.fmean(decision.pairs for decision in decisions)
            seconds.append(f"{machine_seconds(recording, mean_pairs):.0f}")
        title = f"traingate, duet, tolerance {tolerance:g} %"
        yield f"| {title} | {' | '.join(cells)} | {' / '.join(seconds)} |"


def table(recording: Recording) -> list[str]:
    """Return the lines of one recording's table, with a title before them."""
    generator = seeded()
    median_pairs = statistics.median(
        decide_by_duet(recording, UNCHANGED, 5, generator).pairs for _ in range(TRIES)
    )
    launches, pairs = len(recording["launches"][UNCHANGED]), len(recording["pairs"][UNCHANGED])
    slowdowns = [f"finds {percent} %" for percent in recording["pairs"] if percent != UNCHANGED]
    return [
        f"{recording['workload']}; {recording['machine']}; torch {recording['torch']}; "
        f"{launches} launches and {pairs} pairs of each kind:",
        "",
        f"| rule | false alarms | {' | '.join(slowdowns)} | seconds of measuring |",
        "|---" * (3 + len(slowdowns)) + "|",
        *peer_rows(recording, machine_seconds(recording, median_pairs)),
        *traingate_rows(recording),
        "",
    ]


def main() -> None:
    """Print a table for each recording."""
    for file in RECORDINGS:
        content: Recording | list[Recording] = json.loads(file.read_text())
        for recording in content if isinstance(content, list) else [content]:
            sys.stdout.write("\n".join(table(recording)) + "\n")


if __name__ == "__main__":
    main()
