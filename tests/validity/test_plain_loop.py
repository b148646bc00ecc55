"""Test that traingate reports the throughput that a hand-written script has.

A script and a worker of traingate take turns. Both take the steps of a turn one after the other, and are
stopped after it. A turn lasts as long as the shortest round of a launch, in which throughput is measured. (In
a duet, turns may be shorter: there both sides are workers, and both pay for being stopped.)
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from same_training import compute_bound, data_bound

from traingate import layers
from traingate.controller.freezing import ProcessTree
from traingate.controller.job import Job, LaunchPlan
from traingate.controller.scales import SCALES
from traingate.controller.training_worker import TrainingWorker
from traingate.controller.warm_up import warm_up
from traingate.gate.statistics import mean_interval
from traingate.layers.stack import Stack
from traingate.report.progress import NoProgress
from traingate.workload import name_of

WORKLOADS = {"compute-bound": compute_bound, "data-bound": data_bound}
SHORT_ROW = ("data-bound", 1)  # the one that CI runs for each change
WARMUP_STEPS = 8  # more than two data workers fetch ahead
TURN_SECONDS = 0.75  # ten times the yardstick's unit of work, see controller.schedule.plan_rounds
ROUNDS = 2
MIN_PAIRS = 5
MAX_PAIRS = 16
CONFIDENCE = 0.998  # of each of six tests
SHOWN_CONFIDENCE = 0.95
SUFFICIENT_WIDTH = 0.06  # of the shown interval; if it is wider, further pairs are measured
SHORT_WIDTH = 0.15  # the same for the row of each change: it finds errors of about 10 %
INVALID_WIDTH = 0.3  # of the shown interval; if it is as wide, the test proves nothing

Turn = Callable[[int], float]
"""A function that takes a number of steps, and returns the seconds of all of them together."""


@contextmanager
def plain_loop(kind: str, workers: int) -> Iterator[Turn]:
    """Start the hand-written loop, which is stopped between its turns."""
    command = [sys.executable, str(Path(__file__).with_name("plain_loop.py")), kind, str(workers)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        tree = ProcessTree(process.pid)

        def take(steps: int) -> float:
            process.stdin.write(f"{steps}\n")
            process.stdin.flush()
            tree.thaw()
            seconds = float(process.stdout.readline())
            assert tree.freeze()
            return seconds

        try:
            yield take
        finally:
            tree.thaw()
            process.stdin.close()


@contextmanager
def traingate_worker(kind: str, workers: int, compile_cache: Path) -> Iterator[Turn]:
    """Start a worker of traingate with the same training."""
    name = name_of(WORKLOADS[kind], "workload")
    stack = Stack.of([layers.DataWorkers(workers)] if workers else [])
    job = Job(
        workload=name,
        identity=kind,
        stack=stack,
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=compile_cache,
        import_paths=(str(Path(__file__).parent),),
    )
    with ExitStack() as exit_stack:
        worker = TrainingWorker(job, 1, NoProgress())
        worker.start(exit_stack)
        worker.request_preparation()
        worker.wait_until_prepared()
        warm_up(job, [worker], WARMUP_STEPS)
        steps_before = 0

        def take(steps: int) -> float:
            nonlocal steps_before
            taken = worker.take_steps(steps, steps_before, steps_before + steps)
            steps_before += steps
            assert not taken.busy_turns
            return sum(taken.with_usual_waits(workers).step_seconds)

        yield take


def log_ratio(kind: str, workers: int, compile_cache: Path) -> float:
    """Return the median of log(traingate / plain) of two fresh processes that step A B B A."""
    with (
        plain_loop(kind, workers) as script,
        traingate_worker(kind, workers, compile_cache) as worker,
    ):
        script(WARMUP_STEPS)
        least_steps = 3 * workers + 1  # as in plan_rounds
        steps = max(least_steps, round(TURN_SECONDS / (script(4) / 4)))
        worker(steps)
        ratios = []
        for _ in range(ROUNDS):
            first_script, first_worker = script(steps), worker(steps)
            second_worker, second_script = worker(steps), script(steps)
            ratio = first_worker * second_worker / (first_script * second_script)
            ratios.append(math.log(ratio) / 2)
    return statistics.median(ratios)


ROWS = [
    pytest.param(kind, workers, marks=() if (kind, workers) == SHORT_ROW else pytest.mark.long)
    for kind in WORKLOADS
    for workers in (0, 1, 2)
]


@pytest.mark.parametrize(("kind", "workers"), ROWS)
def test_the_ratio_to_a_hand_written_loop_is_one_within_its_own_noise(kind, workers, tmp_path):
    ratios = [log_ratio(kind, workers, tmp_path) for _ in range(MIN_PAIRS)]
    low, high = mean_interval(ratios, SHOWN_CONFIDENCE)
    width = SHORT_WIDTH if (kind, workers) == SHORT_ROW else SUFFICIENT_WIDTH
    while high - low > width and len(ratios) < MAX_PAIRS:
        ratios.append(log_ratio(kind, workers, tmp_path))
        low, high = mean_interval(ratios, SHOWN_CONFIDENCE)
    print(f"traingate / plain: {math.exp(statistics.fmean(ratios)):.3f}, {math.exp(low):.3f} to {math.exp(high):.3f}, {len(ratios)} pairs")  # fmt: skip
    assert high - low < INVALID_WIDTH
    low, high = mean_interval(ratios, CONFIDENCE)
    assert low <= 0 <= high
