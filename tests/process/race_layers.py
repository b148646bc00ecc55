"""Layers of a user's own and a workload for races, with the stand-in for torch."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

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
    """Layer under which a step crashes, hangs, takes memory, or is refused."""

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


def tunable():
    """Take as long as the layer ``sleep`` says, by default 10 ms, and fail as ``fault`` says."""

    def step():
        _fail(os.environ.get(FAULT))
        time.sleep(float(os.environ.get(SECONDS, "0.01")))

    return training(step)
