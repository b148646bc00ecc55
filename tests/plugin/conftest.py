"""Fixtures with the project of a user who has installed the package."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import psutil
import pytest
from repositories import ONE_TEST, commit, git, is_launched_process

from session_leftovers import paths_below

MODELS = '''
from traingate import TrainingSetup

SLOWER = 1.0


def mlp(batch_size: int = 16) -> TrainingSetup:
    from nets import Digits, Net, nn, torch

    model = Net(SLOWER)
    return TrainingSetup(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()), Digits(), batch_size
    )


def raising() -> TrainingSetup:
    raise RuntimeError("the data is not there")


def language_model() -> TrainingSetup:
    """Return a training to predict the next token, without pairs (x, y) and without a criterion."""
    from nets import Sentences, nn, torch

    model = nn.Sequential(nn.Embedding(100, 32), nn.Linear(32, 100))

    def train_step(model, batch, criterion):
        tokens = batch["tokens"]
        logits = model(tokens[:, :-1])
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    return TrainingSetup(
        model, None, torch.optim.Adam(model.parameters()), Sentences(), 8, train_step=train_step
    )
'''
"""Module of the workloads. It imports torch in the worker alone, so that pytest starts sooner."""

NETS = """
import time
import torch
from torch import nn


class Digits(torch.utils.data.Dataset):
    def __len__(self):
        return 70  # no multiple of the batch size, so that the loop must start again with a whole batch

    def __getitem__(self, index):
        return torch.randn(256), index % 10


class Net(nn.Module):
    def __init__(self, slower):
        super().__init__()
        self.repetitions = round(200 * slower)
        self.layers = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 10))

    def forward(self, x):
        with torch.no_grad():
            for _ in range(self.repetitions):
                self.layers(x)
        return self.layers(x)


class Sentences(torch.utils.data.IterableDataset):
    def __iter__(self):
        for _ in range(40):
            yield {"tokens": torch.randint(0, 100, (12,))}
"""


@pytest.fixture
def project(pytester):
    """Return a function that writes these tests, and the modules of the workloads."""
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")

    def write(tests: str):
        pytester.makepyfile(models=MODELS, nets=NETS, test_training=tests)
        return pytester

    return write


@pytest.fixture
def newest_run(pytester):
    """Return a function that returns the content of the newest run in the storage."""

    def load():
        return json.loads(sorted(pytester.path.glob(".benchmarks/*/*.json"))[-1].read_text())

    return load


@pytest.fixture
def committed(project, tmp_path, monkeypatch):
    """Return a function that commits a project; check at the end that no launch left anything."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    # Not below pytest's: the path of a socket must be short.
    temporary = Path(tempfile.mkdtemp(prefix="tg-"))
    monkeypatch.setenv("TMPDIR", str(temporary))

    def write(tests: str = ONE_TEST):
        pytester = project(tests)
        git("init", "-q")
        commit()
        return pytester

    yield write
    assert not any(is_launched_process(process, temporary) for process in psutil.process_iter())
    assert [path.name for path in temporary.glob("traingate-*")] == []
    assert len(git("worktree", "list").splitlines()) == 1
    assert paths_below(Path(".git"), ".lock") == []
