"""Functions for the project of a user that is under git."""

from __future__ import annotations

import contextlib
import json
import subprocess

import psutil

from traingate.controller.command import LAUNCH_TAG

HIDDEN = "q7Zx9Lm2Vb4Nc8Kd1Fg5"
"""Secret of a job, which no file may have."""

FAST = ("--traingate-scale=smoke", "--traingate-steps=6", "--traingate-launches=2")


ONE_TEST = """
from models import mlp

def test_mlp(training_benchmark):
    training_benchmark(mlp)
"""


COMPILED = """
from models import mlp
import pytest
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(256, 64), nn.Linear(64, 10)])

    def forward(self, x):
        x = self.layers[0](x)
        # here
        return self.layers[1](x)

def net(batch_size: int = 16):
    from nets import Digits
    from traingate import TrainingSetup
    model = Net()
    return TrainingSetup(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()), Digits(), batch_size
    )

# marker
def test_net(training_benchmark, torch_compile):
    training_benchmark(net)
"""
"""Test of a compiled net without graph breaks; the two comments are for changes to it."""


def git(*arguments):
    """Return the output of git in the working directory."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    process = subprocess.run(
        ["git", *identity, *arguments], capture_output=True, text=True, check=True
    )
    return process.stdout.strip()


def commit():
    """Commit the modules and the tests."""
    git("add", "models.py", "nets.py", "test_training.py")
    git("commit", "-q", "-m", "next")


def is_launched_process(process, temporary):
    """Return whether a process belongs to a launch whose directory is in *temporary*."""
    with contextlib.suppress(psutil.Error):
        return process.environ().get(LAUNCH_TAG, "").startswith(str(temporary))
    return False


def slow_down(pytester, factor: float = 3.0):
    """Make the forward pass of the model slower by more computing."""
    models = pytester.path / "models.py"
    text = models.read_text()
    assert "SLOWER = 1.0" in text
    models.write_text(text.replace("SLOWER = 1.0", f"SLOWER = {factor}"))


def record(pytester, name="record.json"):
    """Return the record of the only benchmark in a JSON file."""
    (benchmark,) = json.loads((pytester.path / name).read_text())["benchmarks"]
    return benchmark["extra_info"]["traingate"]
