"""Trainings with torch whose loader or compiler hangs, or whose loss becomes NaN."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import nn

from traingate import TrainingSetup
from traingate.layers.base import BaseLayer, ProcessRequest


@dataclass(frozen=True)
class Compiler(BaseLayer):
    """Layer that lets inductor use another compiler."""

    path: str
    name = "compiler"
    order = 60

    def process(self):
        return ProcessRequest({"CXX": self.path})

    def apply(self, _):
        pass


class Samples(torch.utils.data.Dataset):
    """Pairs of an input and its target; from *last* on they never come."""

    def __init__(self, last: int = 1000) -> None:
        self.last = last

    def __len__(self):
        return 1000

    def __getitem__(self, index):
        if index >= self.last:
            print("last words of the data worker", flush=True)
            time.sleep(600)
        return torch.full((8,), float(index)), index % 2


def _setup(dataset: Samples, rate: float) -> TrainingSetup:
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    return TrainingSetup(model, nn.CrossEntropyLoss(), optimizer, dataset, 4)


def hanging_in_data_worker():
    return _setup(Samples(24), 0.01)


def losing_numbers():
    """Take steps of a length that no number can have after a few of them."""
    return _setup(Samples(), 1e30)


def sound():
    return _setup(Samples(), 1e-6)
