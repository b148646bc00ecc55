"""Trainings that start processes, print, change clocks or losses, or end early; without torch."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import answering
import crashing
from crashing import MIDDLE, in_step, kill
from trainings import training

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)", os.environ["TRAINGATE_TEST_RUN"]]
"""Command of a process that the test finds by its last argument, if it is left."""


def on_base(fault: str):
    """Return a training that has a fault on the side of the base alone, which has a worktree."""
    if not any("traingate-base-" in path for path in sys.path):
        return in_step(0, lambda: None)  # never
    modules = (crashing, answering, sys.modules[__name__])
    return next(getattr(module, fault) for module in modules if hasattr(module, fault))()


def forking():
    return in_step(MIDDLE, lambda: subprocess.Popen(SLEEP))


_SHARED = []


def _share_memory() -> None:
    """Take shared memory of a size by which the test finds it, and never release it."""
    size = 1_000_000 + zlib.crc32(os.environ["TRAINGATE_TEST_RUN"].encode()) % 1_000_000
    _SHARED.append(SharedMemory(create=True, size=size))


def sharing_memory():
    return in_step(MIDDLE, _share_memory)


def sharing_memory_and_dying():
    return in_step(MIDDLE, lambda: (_share_memory(), kill()))


def forking_into_a_session():
    return in_step(MIDDLE, lambda: subprocess.Popen(SLEEP, start_new_session=True))


def forking_without_environment():
    """Start a process that has nothing by which it could be found but its parent."""
    return in_step(MIDDLE, lambda: subprocess.Popen(SLEEP, start_new_session=True, env={}))


def start_daemon(environment: dict[str, str]) -> None:
    """Start a process in a session of its own whose parent ends at once, in the root folder."""
    starter = (
        f"import os, subprocess; os.chdir('/'); subprocess.Popen({SLEEP!r}, start_new_session=True)"
    )
    subprocess.run([sys.executable, "-c", starter], env=environment, check=True)


def leaving_a_daemon():
    return in_step(MIDDLE, lambda: start_daemon(dict(os.environ)))


def leaving_a_daemon_without_environment():
    return in_step(MIDDLE, lambda: start_daemon({}))


def leaving_a_daemon_and_dying():
    def act():
        start_daemon(dict(os.environ))
        kill()

    return in_step(MIDDLE, act)


WATCHER = """
import os, sys, time
def watch():
    while True:
        child = os.fork()
        if child == 0:
            os.setsid()
            time.sleep(600)
        os.waitpid(child, 0)
watch()
"""


def leaving_processes_that_start_each_other():
    """Start a process that starts another one again whenever that has ended, both in sessions."""

    def act():
        for _ in range(3):
            subprocess.Popen([*SLEEP[:2], WATCHER, SLEEP[3]], start_new_session=True)

    return in_step(MIDDLE, act)


def forking_the_worker():
    """Fork, and let the child go on as if it were the worker."""
    return in_step(MIDDLE, os.fork)


def printing_100_megabytes():
    def act():
        for _ in range(100):
            os.write(1, b"x" * 99 + b"\n" + b"a line of text\n" * 66_000)
        raise ValueError("after the last words of the workload")

    return in_step(MIDDLE, act)


def printing_100_megabytes_without_a_line_end():
    return in_step(MIDDLE, lambda: [os.write(1, b"x" * 1_000_000) for _ in range(100)])


def printing_binary():
    def act():
        os.write(1, bytes(range(256)) * 400 + b"\x1b]0;title\x07\x1b[2J\n")
        raise ValueError("after the last words of the workload")

    return in_step(MIDDLE, act)


OPENED = "opened-by-the-workload"
"""File that may get the number of the connection, and has to stay empty."""


def closing_its_connection():
    return in_step(MIDDLE, lambda: os.closerange(3, 256))


def closing_its_connection_and_opening_files():
    """Close all descriptors, and open files that get their numbers."""

    def act():
        os.closerange(3, 256)
        for number in range(20):
            os.open(os.devnull if number % 2 else OPENED, os.O_RDWR | os.O_CREAT)

    return in_step(MIDDLE, act)


def closing_its_output():
    return in_step(MIDDLE, lambda: (os.close(1), os.close(2)))


def _timed_by(clock):
    """Return a training of 50 ms per step in whose worker *clock* replaces ``perf_counter``."""
    time.perf_counter = clock
    print("last words of the workload", flush=True)
    return training(lambda: time.sleep(0.05))


_CLOCK = time.perf_counter


def clock_standing_still():
    return _timed_by(lambda: 1.0)


def clock_of_half_speed():
    start = _CLOCK()
    return _timed_by(lambda: start + (_CLOCK() - start) / 2)


def clock_of_double_speed():
    start = _CLOCK()
    return _timed_by(lambda: start + (_CLOCK() - start) * 2)


def clock_that_stops_in_measured_steps():
    """Stand still from the second measured step on, as if the test had frozen the time there."""

    def act():
        now = _CLOCK()
        time.perf_counter = lambda: now

    return in_step(MIDDLE, act)


def clock_moved_by_sleeping():
    """Take no time for sleeping, and count it on a clock of its own."""
    clock = [_CLOCK()]

    def sleep(seconds):
        clock[0] += seconds

    time.sleep = sleep
    return _timed_by(lambda: clock[0] + 1e-6 * _CLOCK())


def _losing(value):
    """Return a training whose loss is *value* from the second measured step on."""
    import torch

    class Loss(torch.Tensor):
        def __init__(self, number):
            self._number = number

        def item(self):
            return self._number

    losses = iter([1.0] * (MIDDLE - 1))

    def train_step(*_):
        time.sleep(0.005)
        return Loss(next(losses, value))

    return replace(training(lambda: None), train_step=train_step)


def losing_numbers():
    return _losing(float("nan"))


def losing_bounds():
    return _losing(float("inf"))


def losing_plain_numbers():
    """Return NaN as a number of Python from a step of its own."""
    losses = iter([1.0] * (MIDDLE - 1))

    def step(context, _):
        time.sleep(0.005)
        loss = context.forward(next, losses, float("nan"))
        context.backward(training_setup.optimizer)
        context.update(training_setup.optimizer.step)
        return loss

    training_setup = training(lambda: None)
    training_setup.optimizer.backward = lambda: None
    return replace(training_setup, train_step=None, step=step)


def _reading(dataset):
    print("last words of the workload", flush=True)
    return replace(training(lambda: time.sleep(0.005)), dataset=dataset)


def ending_early():
    """Read a dataset that can be read once only, as a generator."""
    from torch.utils.data import IterableDataset

    class Once(IterableDataset):
        def __init__(self):
            self._samples = iter(range(17))

        def __iter__(self):
            return self._samples

    return _reading(Once())


def changing_its_batches():
    """Have larger batches in each launch but the first one."""
    print("last words of the workload", flush=True)
    first = Path("the-first-launch-was-here")
    size = 8 if first.exists() else 4
    first.touch()
    return training(lambda: time.sleep(0.005), size)


def ending_before_a_batch():
    from torch.utils.data import IterableDataset

    class Short(IterableDataset):
        def __iter__(self):
            return iter(range(3))

    return _reading(Short())


class Overstated:
    """Dataset that has fewer samples than it says."""

    def __len__(self):
        return 400

    def __getitem__(self, index):
        if index >= 14:
            raise IndexError(f"sample {index} is not there")
        return index


def ending_before_its_length():
    return _reading(Overstated())
