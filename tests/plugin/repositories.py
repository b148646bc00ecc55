"""A user's project under git, and what is asked of it."""

from __future__ import annotations

import contextlib
import json
import subprocess

import psutil

from traingate.controller.command import LAUNCH_TAG

FEW = ("--traingate-scale=smoke", "--traingate-steps=6", "--traingate-launches=2")


ONE_TEST = """
from models import mlp

def test_mlp(training_benchmark):
    training_benchmark(mlp)
"""


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(
        ["git", *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit():
    git("add", "models.py", "test_training.py")
    git("commit", "-q", "-m", "next")


def process_is_ours(process, temporary):
    with contextlib.suppress(psutil.Error):
        return process.environ().get(LAUNCH_TAG, "").startswith(str(temporary))
    return False


def slow_down(pytester, factor: float = 3.0):
    models = pytester.path / "models.py"
    text = models.read_text()
    assert "SLOWER = 1.0" in text
    models.write_text(text.replace("SLOWER = 1.0", f"SLOWER = {factor}"))


def record(pytester, name="record.json"):
    (benchmark,) = json.loads((pytester.path / name).read_text())["benchmarks"]
    return benchmark["extra_info"]["traingate"]
