"""Test that traingate reports the step times that a hand-written script measures."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from same_training import resnet18

from traingate.controller.child import Child
from traingate.controller.command import training_command
from traingate.controller.idle import wait_until_idle
from traingate.controller.steadying import steadying
from traingate.gate.statistics import mean_interval
from traingate.layers.base import ProcessRequest
from traingate.layers.stack import Stack
from traingate.protocol import messages
from traingate.protocol.json_values import as_json
from traingate.workload import name_of

MIN_PAIRS = 6
MAX_PAIRS = 14
ROUNDS = 16
TIMEOUT = 120.0
CONFIDENCE = 0.995
SUFFICIENT_HALF_WIDTH = 0.08  # half of the interval; if it is wider, further pairs are measured
INVALID_HALF_WIDTH = 0.25  # half of the interval; if it is as wide, the test proves nothing


@contextmanager
def plain_loop():
    """Yield a function that takes one step of the hand-written loop, without traingate."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("plain_loop.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def step() -> float:
            wait_until_idle(process.pid)
            process.stdin.write("\n")
            process.stdin.flush()
            seconds = float(process.stdout.readline())
            wait_until_idle(process.pid)
            return seconds

        yield step
        process.stdin.close()


@contextmanager
def traingate_worker(compile_cache: Path):
    """Yield a function that takes one step of the same training in a worker of traingate."""
    steady_request = steadying("threads", ProcessRequest(), is_duet_side=False)
    command = training_command(Stack(), steady_request, compile_cache)
    with Child(command, "launch", TIMEOUT) as worker:
        worker.wait_for_hello()
        name = as_json(vars(name_of(resnet18, "workload")))
        paths = [str(Path(__file__).parent)]
        prepare = messages.Prepare(name, [], paths, "smoke", 0, None)
        worker.ask(prepare, messages.Prepared, TIMEOUT, "building")
        worker.ask(messages.WarmUp(), messages.WarmedUp, TIMEOUT, "warming up")

        def step() -> float:
            seconds = worker.ask_first(
                messages.Step(1), messages.Stepped, TIMEOUT, "stepping"
            ).step_seconds
            wait_until_idle(worker.pid)
            return seconds

        yield step


def log_ratio(compile_cache: Path) -> float:
    """Return the median of log(traingate / plain), of two fresh processes that step A B B A."""
    ratios = []
    with plain_loop() as script_step, traingate_worker(compile_cache) as worker_step:
        for step in (script_step, worker_step) * 3:
            step()
        for _ in range(ROUNDS):
            first_script, first_worker = script_step(), worker_step()
            second_worker, second_script = worker_step(), script_step()
            ratio = first_worker * second_worker / (first_script * second_script)
            ratios.append(math.log(ratio) / 2)
    return statistics.median(ratios)


def test_the_ratio_to_a_hand_written_loop_is_one_within_its_own_noise(tmp_path):
    ratios = [log_ratio(tmp_path) for _ in range(MIN_PAIRS)]
    low, high = mean_interval(ratios, CONFIDENCE)
    # A noisy machine needs more pairs.
    while (high - low) / 2 > SUFFICIENT_HALF_WIDTH and len(ratios) < MAX_PAIRS:
        ratios.append(log_ratio(tmp_path))
        low, high = mean_interval(ratios, CONFIDENCE)
    print(f"traingate / plain: {math.exp(statistics.fmean(ratios)):.3f}, {math.exp(low):.3f} to {math.exp(high):.3f}")  # fmt: skip
    assert (high - low) / 2 < INVALID_HALF_WIDTH
    assert low <= 0 <= high
