"""Test measurements of training with torch in the project of a user."""

from __future__ import annotations

import json
import re

FAST = ("--traingate-scale=smoke", "--traingate-launches=1", "--traingate-steps=4")
WRITE_STATUS = """
from pathlib import Path

def pytest_unconfigure():
    Path("status").write_text(Path("/proc/self/status").read_text())
"""


EVERY_KIND = """
from dataclasses import dataclass
import pytest
from traingate import BaseLayer
import models
from models import language_model, mlp


@dataclass(frozen=True)
class Threads(BaseLayer):
    count: int
    name = "threads"
    order = 50

    def apply(self, training):
        import torch
        torch.set_num_threads(self.count)


def without_loop(batch_size: int):
    models.SLOWER = 0.0  # the compiler would unroll the loop, which takes half a minute
    return mlp(batch_size)

@pytest.mark.parametrize("batch_size", [8], indirect=True)
def test_fixtures(training_benchmark, torch_compile, data_workers, channels_last, batch_size):
    result = training_benchmark(without_loop)
    assert result.samples_per_second > 10
    assert result.launches[0].counters["dynamo_graphs"] >= 1
    assert result.batch_size == batch_size.samples

def test_own_step(training_benchmark):
    training_benchmark(language_model, layers=[Threads(1)])
"""


def test_every_kind_of_workload_and_layer_is_recorded(project, newest_run):
    pytester = project(EVERY_KIND)
    result = pytester.runpytest_subprocess(
        *FAST, "--benchmark-save=base", "--traingate-profile=profiles", "-rA"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*traingate: training throughput*", "*test_own_step*threads(1)*"])
    benchmarks = {item["name"]: item for item in newest_run()["benchmarks"]}
    for item in benchmarks.values():
        record = item["extra_info"]["traingate"]
        steps = [step for launch in record["launches"] for step in launch["step_seconds"]]
        assert item["stats"]["data"] == steps
        assert len(steps) == item["stats"]["rounds"] == 4
        assert item["stats"]["max"] == max(steps)
        assert record["flops_per_sample"] > 0
        assert record["bytes_per_sample"] > 0
        assert 1e8 < record["memory_bytes_per_second"] < 1e13
    stack = benchmarks["test_fixtures[8]"]["extra_info"]["traingate"]["stack"]
    names = ["batch_size", "data_workers", "channels_last", "torch_compile"]
    assert [layer["name"] for layer in stack] == names
    profiles = {
        path.parent.name.rpartition("-")[0]: json.loads(path.read_text())["candidate"]
        for path in pytester.path.glob("profiles/*/profile.json")
    }
    assert len(profiles) == 2
    operators = {
        operator for _, _, operator, *_ in profiles["test_training_py__test_own_step"]["cells"]
    }
    assert "aten::embedding" in operators
    own = benchmarks["test_own_step"]["extra_info"]["traingate"]
    assert own["launches"][0]["counters"]["threads"] == 1
    assert own["workload"] == "models.py::language_model"


LIMITED = """
from models import mlp
import pytest

@pytest.mark.traingate(min_samples_per_second=1e9, max_first_step_seconds=1e-9)
def test_limits(training_benchmark):
    training_benchmark(mlp)
"""


def test_limits_fail_without_a_baseline_in_a_process_without_a_model_and_torch(project):
    pytester = project(LIMITED)
    pytester.makeconftest(WRITE_STATUS)
    result = pytester.runpytest_subprocess(*FAST)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*samples/s, and the marker asks for at least 1e+09; first step took*"]
    )
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", (pytester.path / "status").read_text())
    assert int(peak) < 200_000


def test_an_error_in_one_test_does_not_affect_the_others(project):
    pytester = project(
        """
        from models import mlp, raising

        def test_raising(training_benchmark):
            training_benchmark(raising)

        def test_local(training_benchmark):
            training_benchmark(lambda: mlp())

        def test_without_size(training_benchmark, batch_size):
            training_benchmark(mlp)

        def test_fine(training_benchmark):
            training_benchmark(mlp)
        """
    )
    result = pytester.runpytest_subprocess(*FAST, "-W", "error")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*test_raising*",
            "the workload raised in launch 1, while it built the training:",
            "*RuntimeError: the data is not there",
            "*test_local*",
            "*defined inside another function*",
            "*test_without_size*",
            "batch_size: *missing*samples*",
        ]
    )
    result.stdout.no_fnmatch_line("*child.py*")
    result.stdout.no_fnmatch_line("*During handling*")
