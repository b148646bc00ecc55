"""Layers of a user's own and a workload for races, with the stand-in for torch."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace

from trainings import training

from traingate import BaseLayer, ProcessRequest, TraingateError

SECONDS = "TRAINGATE_TEST_SECONDS"
FAULT = "TRAINGATE_TEST_FAULT"


@dataclass(frozen=True)
class Sleep(BaseLayer):
    """Layer under which a step takes another time."""

    seconds: float
    name = "sleep"
    order = 60

    def process(self):
        return ProcessRequest({SECONDS: str(self.seconds)})

    def apply(self, _training):
        pass


@dataclass(frozen=True)
class Fault(BaseLayer):
    """Layer under which a step crashes, hangs, takes memory, has no loss, or is refused."""

    kind: str
    name = "fault"
    order = 80

    def process(self):
        return ProcessRequest({FAULT: self.kind})

    def apply(self, _training):
        if self.kind == "refuse":
            raise TraingateError("fault: this training cannot have it")


_KEPT = []


def _fail(kind):
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "hang":
        time.sleep(1000)
    elif kind == "hungry" and not _KEPT:
        _KEPT.append(b"x" * (200 << 20))
    elif kind == "raise":
        raise RuntimeError("no such operator")


def _diverge(_model, _batch, _criterion):
    """Take a step that is faster than any other one, and whose loss is no number."""
    import torch

    class Loss(torch.Tensor):
        def item(self):
            return float("nan")

    time.sleep(0.002)
    return Loss()


def tunable():
    """Take as long as the layer ``sleep`` says, by default 10 ms, and fail as ``fault`` says."""

    def step():
        _fail(os.environ.get(FAULT))
        time.sleep(float(os.environ.get(SECONDS, "0.01")))

    setup = training(step)
    if os.environ.get(FAULT) == "diverge":
        setup = replace(setup, train_step=_diverge)
    return setup
