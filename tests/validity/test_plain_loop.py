"""What traingate reports is what a script of one's own would have measured."""

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

FEWEST_PAIRS = 6
MOST_PAIRS = 14
ROUNDS = 16
SECONDS = 120.0
CONFIDENCE = 0.995
NARROW = 0.08  # half of the interval at which more pairs would tell nothing new
WIDEST = 0.25  # half of the interval beyond which the test could not tell anything


@contextmanager
def plain_loop():
    """A function that takes one step of the hand-written loop, in a process without traingate."""
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
    """A function that takes one step of the same training in a worker of traingate's."""
    steadier = steadying("threads", ProcessRequest(), duet=False)
    command = training_command(Stack(), steadier, compile_cache)
    with Child(command, "launch", SECONDS) as worker:
        worker.wait_for_hello()
        name = as_json(vars(name_of(resnet18, "workload")))
        paths = [str(Path(__file__).parent)]
        prepare = messages.Prepare(name, [], paths, "smoke", 0, None)
        worker.ask(prepare, messages.Prepared, SECONDS, "building")
        worker.ask(messages.WarmUp(), messages.WarmedUp, SECONDS, "warming up")

        def step() -> float:
            seconds = worker.ask_first(
                messages.Step(1), messages.Stepped, SECONDS, "stepping"
            ).step_seconds
            wait_until_idle(worker.pid)
            return seconds

        yield step


def log_ratio(compile_cache: Path) -> float:
    """One pair of fresh processes, stepping A B B A: median log of traingate / plain."""
    ratios = []
    with plain_loop() as script, traingate_worker(compile_cache) as ours:
        for step in (script, ours) * 3:
            step()
        for _ in range(ROUNDS):
            first, second, third, fourth = script(), ours(), ours(), script()
            ratios.append(math.log(second * third / (first * fourth)) / 2)
    return statistics.median(ratios)


def test_the_ratio_to_a_hand_written_loop_is_one_within_its_own_noise(tmp_path):
    ratios = [log_ratio(tmp_path) for _ in range(FEWEST_PAIRS)]
    low, high = mean_interval(ratios, CONFIDENCE)
    while (high - low) / 2 > NARROW and len(ratios) < MOST_PAIRS:  # a noisy hour needs more
        ratios.append(log_ratio(tmp_path))
        low, high = mean_interval(ratios, CONFIDENCE)
    print(f"traingate / plain: {math.exp(statistics.fmean(ratios)):.3f}, {math.exp(low):.3f} to {math.exp(high):.3f}")  # fmt: skip
    assert (high - low) / 2 < WIDEST
    assert low <= 0 <= high
