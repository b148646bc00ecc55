"""Trainings for workers that have the stand-in for torch, each with one way to take its steps."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Listener
from pathlib import Path
from types import ModuleType

from traingate import TrainingSetup

STEPS_FILE = "TRAINGATE_TEST_STEPS"
"""Variable with the path of a file to which each step of ``candidate`` and ``base`` adds a letter."""


class _Optimizer:
    def zero_grad(self):
        pass

    def step(self):
        pass


def training(step: Callable[[], None], batch_size: int = 4) -> TrainingSetup:
    """Return a training whose steps call *step* and compute nothing."""
    import torch

    def train_step(_model, _batch, _criterion):
        step()
        return torch.Tensor()

    samples = range(2 * batch_size)
    return TrainingSetup(None, None, _Optimizer(), samples, batch_size, train_step=train_step)


def sleeping() -> TrainingSetup:
    """Take 10 ms for each step."""
    return training(lambda: time.sleep(0.01))


def _write(letter: str) -> None:
    with Path(os.environ[STEPS_FILE]).open("a") as file:
        file.write(letter)


def candidate() -> TrainingSetup:
    """Write a c in each step."""
    return training(lambda: _write("c"))


def base() -> TrainingSetup:
    """Write a b in each step."""
    return training(lambda: _write("b"))


def compiling() -> TrainingSetup:
    """Write a c in each step, and compile in the first four of them."""
    utils = ModuleType("torch._dynamo.utils")
    utils.counters = {"stats": {"unique_graphs": 0}, "frames": {"total": 0}}
    utils.get_compilation_metrics = list
    dynamo = ModuleType("torch._dynamo")
    dynamo.utils = utils
    sys.modules["torch"]._dynamo = dynamo
    sys.modules.update({"torch._dynamo": dynamo, "torch._dynamo.utils": utils})
    steps = []

    def step():
        _write("c")
        steps.append(None)
        if len(steps) <= 4:
            utils.counters["frames"]["total"] += 1

    return training(step)


def large_batches() -> TrainingSetup:
    """Train batches of 8 rather than 4."""
    return training(lambda: None, batch_size=8)


def killed() -> TrainingSetup:
    """Be killed in the third step, the first after the warm-up."""
    steps: list[None] = []

    def step() -> None:
        steps.append(None)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    return training(step)


def leaking() -> TrainingSetup:
    """Keep 4 MiB in each step."""
    kept = []
    return training(lambda: (time.sleep(0.03), kept.append(bytearray(4 << 20))))


def allocating_once() -> TrainingSetup:
    """Take 64 MiB in the fifth step, warm-up included, and keep them."""
    kept = []
    calls = []

    def step():
        time.sleep(0.03)
        calls.append(1)
        if len(calls) == 5:
            kept.append(bytearray(64 << 20))

    return training(step)


def leaving_garbage() -> TrainingSetup:
    """Leave 4 MiB in each step to the collector of garbage, which does not run by itself."""

    def step():
        time.sleep(0.03)
        cycle = [bytearray(4 << 20)]
        cycle.append(cycle)

    gc.disable()
    return training(step)


_BUILT = []


def _built_once(end: Callable[[], object]) -> TrainingSetup:
    _BUILT.append(1)
    if len(_BUILT) > 1:
        end()
    return sleeping()


def exiting_when_built_again() -> TrainingSetup:
    """Exit when the training is built a second time."""
    return _built_once(lambda: sys.exit(3))


def raising_when_built_again() -> TrainingSetup:
    """Raise when the training is built a second time."""
    return _built_once(lambda: int("no number"))


def interrupted_when_built_again() -> TrainingSetup:
    """Get a Ctrl-C when the training is built a second time."""
    return _built_once(lambda: signal.raise_signal(signal.SIGINT))


def killed_when_built_again() -> TrainingSetup:
    """Be killed when the training is built a second time."""
    return _built_once(lambda: os.kill(os.getpid(), signal.SIGKILL))


def printing() -> TrainingSetup:
    """Print in the first step, and emit a warning."""
    calls = []

    def step():
        calls.append(1)
        if len(calls) == 1:
            print("a print of the workload")
            warnings.warn("a warning of the workload", stacklevel=1)

    return training(step)


def listening() -> TrainingSetup:
    """Make a Unix socket in each step, as data workers and shared tensors do."""

    def step():
        with Listener(family="AF_UNIX"):
            pass

    return training(step)


def hanging() -> TrainingSetup:
    """Sleep in the first step until it is ended."""
    return training(lambda: time.sleep(600))
