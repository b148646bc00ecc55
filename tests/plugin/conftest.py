"""A user's own project, which has only installed the package."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import psutil
import pytest
from repositories import ONE_TEST, commit, git, process_is_ours

MODEL = '''
import time
import torch
from torch import nn
from traingate import TrainingSetup

SLOWER = {slower}


class Digits(torch.utils.data.Dataset):
    def __len__(self):
        return 70  # no multiple of the batch: the loop must start again, with whole batches

    def __getitem__(self, index):
        return torch.randn(256), index % 10


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 10))

    def forward(self, x):
        with torch.no_grad():
            for _ in range(round(200 * SLOWER)):
                self.layers(x)
        return self.layers(x)


def mlp(batch_size: int = 16) -> TrainingSetup:
    model = Net()
    return TrainingSetup(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()), Digits(), batch_size
    )


def raising() -> TrainingSetup:
    raise RuntimeError("the data is not there")


def hanging() -> TrainingSetup:
    setup = mlp()
    calls = []

    def train_step(model, batch, criterion):
        calls.append(1)
        if len(calls) > 3:
            time.sleep(600)
        return criterion(model(batch[0]), batch[1])

    return TrainingSetup(
        setup.model, setup.criterion, setup.optimizer, setup.dataset, 16, train_step=train_step
    )


class Sentences(torch.utils.data.IterableDataset):
    def __iter__(self):
        for _ in range(40):
            yield {"tokens": torch.randint(0, 100, (12,))}


def language_model() -> TrainingSetup:
    """No image, no pair (x, y), no criterion: the next token of a sentence."""
    model = nn.Sequential(nn.Embedding(100, 32), nn.Linear(32, 100))

    def train_step(model, batch, criterion):
        tokens = batch["tokens"]
        logits = model(tokens[:, :-1])
        return nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    return TrainingSetup(
        model, None, torch.optim.Adam(model.parameters()), Sentences(), 8, train_step=train_step
    )
'''


@pytest.fixture
def project(pytester):
    """``project(tests, slower=1.0)`` writes the models beside these tests."""
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")

    def write(tests: str, slower: float = 1.0):
        pytester.makepyfile(models=MODEL.replace("{slower}", str(slower)), test_training=tests)
        return pytester

    return write


@pytest.fixture
def saved(pytester):
    """``saved()`` is the content of the newest run in the storage."""

    def load():
        return json.loads(sorted(pytester.path.glob(".benchmarks/*/*.json"))[-1].read_text())

    return load


@pytest.fixture
def committed(project, tmp_path, monkeypatch):
    """``committed(tests)``: the project in a repository; afterwards nothing may be left."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    # Short: the socket's path must fit.
    temporary = Path(tempfile.mkdtemp(prefix="tg-"))
    monkeypatch.setenv("TMPDIR", str(temporary))

    def write(tests: str = ONE_TEST):
        pytester = project(tests)
        git("init", "-q")
        commit()
        return pytester

    yield write
    assert not any(process_is_ours(process, temporary) for process in psutil.process_iter())
    assert [path.name for path in temporary.glob("traingate-*")] == []
    assert len(git("worktree", "list").splitlines()) == 1
    assert list(Path(".git").rglob("*.lock")) == []
