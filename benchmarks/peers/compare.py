"""Apply several tools' rules to the same recorded launches, and print a table for each recording.

Run it as ``python benchmarks/peers/compare.py``; it times nothing. docs/evidence/gate.md has its
tables. Launches are drawn from two files: record.py writes recorded.json; noisy.json has launches
and pairs of ``--traingate-against`` from an hour in which the machine was noisy. If stored and new
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

from rules import PROCESSES, RULES
from traingate.gate.decision import first_decision
from traingate.gate.policy import pair_policy
from traingate.records import Method, Outcome

TRIES: Final = 4000
MAX_PAIRS: Final = 12
LAUNCHES_BEFORE_DUET: Final = 3
"""Launches of a test alone, before its duet."""

HERE: Final = Path(__file__).resolve().parent
RECORDINGS: Final = (HERE / "recorded.json", HERE / "noisy.json")

UNCHANGED: Final = "0"
"""Key of unchanged code in the recordings: its slowdown in percent."""


class RecordedLaunch(TypedDict):
    """One launch.

    Attributes:
        steps: Step times, in seconds.
    """

    steps: list[float]


class RecordedPair(TypedDict):
    """One pair of a duet.

    Attributes:
        log_ratio: Log of the candidate's step time divided by the base's.
    """

    log_ratio: float


class Recording(TypedDict):
    """Launches and pairs of one workload.

    Attributes:
        workload: Description of the workload.
        machine: Name of the CPU, and number of cores.
        torch: Version of torch.
        seconds_per_launch: Mean time that a launch took, in seconds.
        seconds_per_pair: Mean time that a pair took, in seconds.
        launches: Launches by slowdown in percent.
        pairs: Pairs of a duet with the unchanged code, by slowdown in percent.
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


def decide_by_duet(
    recording: Recording, percent: str, tolerance: float, generator: random.Random
) -> Decision:
    """Return the decision of one duet, whose pairs are drawn with replacement.

    Args:
        recording: Recording to draw from.
        percent: Slowdown of the candidate, in percent.
        tolerance: Tolerance of the gate, in percent.
        generator: Source of the random numbers.
    """
    log_ratios = [pair["log_ratio"] for pair in recording["pairs"][percent]]
    sample = generator.choices(log_ratios, k=MAX_PAIRS)
    outcome, pairs = first_decision(sample, Method.STEPS, pair_policy(tolerance, MAX_PAIRS))
    return Decision(outcome is Outcome.REGRESSED, pairs)


def peer_fails(
    recording: Recording, percent: str, name: str, launches: int, generator: random.Random
) -> bool:
    """Return whether another tool's rule fails on launches that are drawn without replacement.

    Args:
        recording: Recording to draw from.
        percent: Slowdown of the new launches, in percent.
        name: Name of the tool's rule.
        launches: Number of launches on each side.
        generator: Source of the random numbers.
    """
    plain = [launch["steps"] for launch in recording["launches"][UNCHANGED]]
    if percent == UNCHANGED:
        sample = generator.sample(plain, k=2 * launches)
        return RULES[name](sample[:launches], sample[launches:])
    slower = [launch["steps"] for launch in recording["launches"][percent]]
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
            share_of_failures(partial(peer_fails, recording, percent, name, launches))
            for percent in recording["launches"]
        ]
        title = f"{name}, {launches} + {launches} launches"
        yield f"| {title} | {' | '.join(cells)} | {2 * launches * launch_seconds:.0f} |"


def traingate_rows(recording: Recording) -> Iterator[str]:
    """Yield a row of traingate for each of two tolerances.

    The last cell has the mean seconds of measuring for each slowdown.
    """
    for tolerance in (2.5, 5.0):
        cells, seconds = [], []
        for percent in recording["pairs"]:
            generator = seeded_generator()
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
    """Return the lines of the table of one recording, after a line that describes it."""
    generator = seeded_generator()
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
