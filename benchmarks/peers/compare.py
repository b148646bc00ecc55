"""Apply several tools' rules to the same recorded launches, and print a table.

Run it as ``python benchmarks/peers/compare.py``; it times nothing. docs/evidence/gate.md has its
table. Launches and pairs are drawn from recorded.json, which record.py writes. If stored and new
launches are of the same code, no launch is drawn for both sides. Each tool gets the machine time
that traingate takes for unchanged code in the median: the launches of the test alone, then its
duet. The other tools spend that time as they usually do: they measure one side, then the other.
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

import numpy as np

from rules import PROCESSES, RULES
from traingate.gate.decision import decide_change
from traingate.gate.policy import pair_policy
from traingate.gate.statistics import Change, paired_difference
from traingate.gate.step_table import pair_log_ratios
from traingate.records import Method, Outcome

TRIES: Final = 4000
MAX_PAIRS: Final = 16
LAUNCHES_BEFORE_DUET: Final = 3
"""Launches of a test alone, before its duet."""

RECORDED: Final = Path(__file__).resolve().with_name("recorded.json")

UNCHANGED: Final = "unchanged"
"""Key of unchanged code in the recording."""


class RecordedLaunch(TypedDict):
    """One launch.

    Attributes:
        steps: Step times, in seconds.
    """

    steps: list[float]


class RecordedPair(TypedDict):
    """One pair of a duet.

    Attributes:
        candidate: Step times of the candidate, in seconds.
        base: Step times of the base, in seconds.
    """

    candidate: list[float]
    base: list[float]


class Recording(TypedDict):
    """Launches and pairs of one workload.

    Attributes:
        workload: Description of the workload.
        machine: Name of the CPU, and number of cores.
        torch: Version of torch.
        seconds_per_launch: Mean time that a launch took, in seconds.
        seconds_per_pair: Mean time that a pair took, in seconds.
        launches: Launches by slowdown.
        pairs: Pairs of a duet with the unchanged code, by slowdown.
    """

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
        fails: True if the gate fails the test.
        pairs: Number of pairs after which the gate decided.
    """

    fails: bool
    pairs: int


def seeded_generator() -> random.Random:
    """Return a random generator with the same seed for each cell."""
    return random.Random(0)  # noqa: S311 - simulations need repeatable numbers, not secrets


def decide_by_duets(recording: Recording, slowdown: str, tolerance: float) -> list[Decision]:
    """Return the decisions of duets whose pairs are drawn with replacement.

    Args:
        recording: Recording to draw from.
        slowdown: Slowdown of the candidate.
        tolerance: Tolerance of the gate, in percent.
    """
    policy = pair_policy(tolerance, MAX_PAIRS)
    pairs = recording["pairs"][slowdown]
    # The two turns of the recording may have measured different numbers of steps.
    steps = min(len(pair["candidate"]) for pair in pairs)
    candidate = np.log([pair["candidate"][:steps] for pair in pairs])
    base = np.log([pair["base"][:steps] for pair in pairs])
    draws = np.random.default_rng(0).integers(0, len(pairs), (TRIES, MAX_PAIRS))
    decisions = [Decision(fails=False, pairs=MAX_PAIRS)] * TRIES
    undecided = np.arange(TRIES)
    for look in policy.looks:
        drawn = draws[undecided, :look]
        repeatable, plain = pair_log_ratios(candidate[drawn], base[drawn])
        is_open = []
        for row, index in enumerate(undecided.tolist()):
            change = Change(
                paired_difference(repeatable[row].tolist()), paired_difference(plain[row].tolist())
            )
            outcome = decide_change(change, Method.STEPS, look, policy)
            is_open.append(outcome is Outcome.INCONCLUSIVE)
            if not is_open[-1]:
                decisions[index] = Decision(outcome is Outcome.REGRESSED, look)
        undecided = undecided[is_open]
        if not undecided.size:
            break
    return decisions


def peer_fails(
    recording: Recording, slowdown: str, name: str, launches: int, generator: random.Random
) -> bool:
    """Return whether another tool's rule fails on launches that are drawn without replacement.

    Args:
        recording: Recording to draw from.
        slowdown: Slowdown of the new launches.
        name: Name of the tool's rule.
        launches: Number of launches on each side.
        generator: Source of the random numbers.
    """
    plain = [launch["steps"] for launch in recording["launches"][UNCHANGED]]
    if slowdown == UNCHANGED:
        sample = generator.sample(plain, k=2 * launches)
        return RULES[name](sample[:launches], sample[launches:])
    slower = [launch["steps"] for launch in recording["launches"][slowdown]]
    return RULES[name](generator.sample(plain, k=launches), generator.sample(slower, k=launches))


def share_of_failures(fails: Callable[[random.Random], bool]) -> str:
    """Return the share of tries in which a rule fails, in percent, as text.

    Args:
        fails: Function that draws launches and returns whether the rule fails on them.
    """
    generator = seeded_generator()
    failures = sum(fails(generator) for _ in range(TRIES))
    return f"{100 * failures / TRIES:.3g} %"


def machine_seconds(recording: Recording, pairs: float) -> float:
    """Return the seconds that the launches of a test alone and this number of pairs take."""
    launch_seconds = LAUNCHES_BEFORE_DUET * recording["seconds_per_launch"]
    return launch_seconds + pairs * recording["seconds_per_pair"]


def peer_rows(recording: Recording, budget_seconds: float) -> Iterator[str]:
    """Yield a row for each of the other tools.

    Args:
        recording: Recording to draw from.
        budget_seconds: Time that a tool may measure for, half of it on each side, in seconds.
    """
    launch_seconds = recording["seconds_per_launch"]
    affordable_launches = int(budget_seconds / 2 / launch_seconds)
    recorded_launches = len(recording["launches"][UNCHANGED])
    for name in RULES:
        launches = min(
            PROCESSES.get(name, affordable_launches), affordable_launches, recorded_launches // 2
        )
        cells = [
            share_of_failures(partial(peer_fails, recording, slowdown, name, launches))
            for slowdown in recording["launches"]
        ]
        title = f"{name}, {launches} + {launches} launches"
        yield f"| {title} | {' | '.join(cells)} | {2 * launches * launch_seconds:.0f} |"


def traingate_rows(recording: Recording) -> Iterator[str]:
    """Yield a row of traingate for each of two tolerances.

    The last cell has the mean seconds of measuring for each slowdown.
    """
    for tolerance in (2.5, 5.0):
        cells, seconds = [], []
        for slowdown in recording["pairs"]:
            decisions = decide_by_duets(recording, slowdown, tolerance)
            failures = sum(decision.fails for decision in decisions)
            cells.append(f"{100 * failures / TRIES:.3g} %")
            mean_pairs = statistics.fmean(decision.pairs for decision in decisions)
            seconds.append(f"{machine_seconds(recording, mean_pairs):.0f}")
        title = f"traingate, duet, tolerance {tolerance:g} %"
        yield f"| {title} | {' | '.join(cells)} | {' / '.join(seconds)} |"


def table(recording: Recording) -> list[str]:
    """Return the lines of the table of one recording, after a line that describes it."""
    decisions = decide_by_duets(recording, UNCHANGED, 5)
    median_pairs = statistics.median(decision.pairs for decision in decisions)
    launches, pairs = len(recording["launches"][UNCHANGED]), len(recording["pairs"][UNCHANGED])
    slowdowns = [f"finds {name}" for name in recording["pairs"] if name != UNCHANGED]
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
    """Print the table."""
    recording: Recording = json.loads(RECORDED.read_text())
    sys.stdout.write("\n".join(table(recording)) + "\n")


if __name__ == "__main__":
    main()
