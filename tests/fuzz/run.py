"""Run one target, or all, for a number of minutes: ``python tests/fuzz/run.py TARGET --minutes 10``.

Inputs are drawn until the time is over, or until one fails, which is then made smaller and shown.
Keep such an input in ``cases.py``: the tests try those each time. The seed differs from run to run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / folder) for folder in ("tests", "tests/fuzz", "benchmarks/validation", "plugin")
]

from targets import TARGETS  # noqa: E402 - after the path was set

ROUND_EXAMPLES = 500
"""Number of inputs of one round. Between rounds, the time is looked at."""


def fuzz(name: str, minutes: float) -> int:
    """Try inputs of a target for a time, and return their number."""
    target = TARGETS[name]
    deadline = time.monotonic() + 60 * minutes
    inputs = rounds = 0

    def count(value: object) -> None:
        nonlocal inputs
        inputs += 1
        target.check(value)

    start = time.time_ns()
    while time.monotonic() < deadline:
        run = given(target.inputs)(count)
        run = settings(
            max_examples=ROUND_EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.target, Phase.shrink),
        )(run)
        seed(start + rounds)(run)()
        rounds += 1
    return inputs


def main() -> None:
    """Parse the command line, and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--minutes", type=float, default=10.0, help="time for each target")
    arguments = parser.parse_args()
    names = TARGETS if arguments.target == "all" else [arguments.target]
    with tempfile.TemporaryDirectory(prefix="traingate-fuzz-") as folder:
        tempfile.tempdir = folder
        for name in names:
            started = time.monotonic()
            inputs = fuzz(name, arguments.minutes)
            print(f"{name}: {inputs} inputs in {time.monotonic() - started:.0f} s, none failed")


if __name__ == "__main__":
    main()
