"""Test faults of torch's own parts: a data worker and a compiler that hang, a loss that is NaN."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest
from fault_runs import WITH_TORCH, place, run_faults

TESTS = """
import faulty_torch
from traingate.layers import DataWorkers

def test_hanging_in_data_worker(training_benchmark):
    training_benchmark(faulty_torch.hanging_in_data_worker, layers=[DataWorkers(2)])

def test_hanging_in_compiler(training_benchmark, torch_compile):
    training_benchmark(faulty_torch.sound, layers=[faulty_torch.Compiler({compiler!r})])

def test_losing_numbers(training_benchmark):
    training_benchmark(faulty_torch.losing_numbers)

def test_sound(training_benchmark):
    training_benchmark(faulty_torch.sound)
"""

pytestmark = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")

SECONDS = 15
"""Time-out of the run; building a training takes some seconds, since it imports Dynamo."""


@pytest.fixture(scope="module")
def run():
    # The first import in a new environment compiles thousands of modules, in the time of a launch.
    subprocess.run([sys.executable, "-c", "import torch._dynamo"], check=True)
    with place() as here:
        compiler = here.project / "hanging-compiler"
        compiler.write_text("#!/bin/sh\nsleep 600\n")
        compiler.chmod(0o755)
        tests = TESTS.replace("{compiler!r}", repr(str(compiler)))
        return run_faults(
            here, tests, f"--traingate-timeout={SECONDS}", paths=WITH_TORCH, seconds=300.0
        )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("hanging_in_data_worker", [r"in (its first|warm-up|step)", "last words of the data worker", "in __getitem__"]),
        ("hanging_in_compiler", ["in its first step", r"(?s)Where process \d+ was:.*subprocess"]),
    ],
)  # fmt: skip
def test_a_part_of_torch_that_hangs_is_named_and_ended(run, name, says):
    test = run.tests[f"test_{name}"]
    assert test["outcome"] == "failed"
    for expected in [f"launch 1 gave no answer within {SECONDS} s ", *says]:
        assert re.search(expected, test["text"]), test["text"]
    assert (test["processes"], test["folders"]) == ([], [])
    assert run.status == 1


def test_a_loss_that_becomes_nan_is_marked_and_the_next_test_is_not(run):
    counter = "nonfinite_losses_in_measured_steps"
    marked, sound = (run.records[f"test_{name}"] for name in ("losing_numbers", "sound"))
    assert marked["counters"][counter] == 4
    assert re.fullmatch(r"the loss was (nan|inf) in measured step 1", marked["reasons"][counter][0])
    assert counter not in sound["counters"]
    assert "test_losing_numbers: the loss was NaN or infinite" in run.output
