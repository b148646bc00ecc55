"""What stored launches leave in doubt, and how it is settled and accepted: with real training."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from repositories import FEW, commit, record, slow_down


def test_what_the_stored_launches_leave_in_doubt_a_duet_settles(committed):
    pytester = committed()
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    slow_down(pytester)
    commit()
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--benchmark-save=slow")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*REGRESSED: by the code:*", "*commit *, Python *", "*screened by 0001_base*"]
    )
    accepted = pytester.run(
        Path(sys.executable).with_name("traingate"), "accept", "--reason=a larger model"
    )
    assert accepted.ret == 0
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--traingate-tolerance=30")
    result.assert_outcomes(passed=1)


def test_where_no_duet_can_settle_it_more_launches_are_measured(committed):
    pytester = committed()
    models = pytester.path / "models.py"
    models.write_text(
        models.read_text().replace("SLOWER = 1.0", 'SLOWER = float(open("own").read())')
    )
    (pytester.path / "own").write_text("1.0")  # of no commit
    commit()
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    result = pytester.runpytest_subprocess(
        *FEW, "--traingate-launches=4", "--benchmark-compare", "--traingate-tolerance=0.5",
        "--benchmark-json=record.json",
    )  # fmt: skip
    assert result.ret in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}
    found = record(pytester)
    assert 2 < len(found["launches"]) <= 4
    assert found["verdict"]["launches"] == len(found["launches"])
    assert found["verdict"]["method"] == "stored launches"
    (why,) = found["verdict"]["evidence"]
    assert why.startswith("a duet against the baseline's commit could not be measured: ")
    assert "'own'" in why


def depends_on_its_environment(pytester):
    models = pytester.path / "models.py"
    factor = '3.0 if os.environ.get("MALLOC_ARENA_MAX") == "7" else 1.0'
    text = models.read_text().replace("SLOWER = 1.0", f"SLOWER = {factor}")
    models.write_text(f"import os\n{text}")
    commit()


@pytest.mark.parametrize("code_too", [False, True])
def test_slower_by_the_environment_is_told_from_slower_by_the_code(
    committed, monkeypatch, code_too
):
    pytester = committed()
    depends_on_its_environment(pytester)
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    if code_too:
        models = pytester.path / "models.py"
        models.write_text(models.read_text().replace("SLOWER = 3.0", "SLOWER = 12.0"))
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare")
    result.assert_outcomes(failed=1)
    whose = (
        "by the code, in another environment:"
        if code_too
        else "by the environment, not by the code:"
    )
    result.stdout.fnmatch_lines(
        [f"*REGRESSED: {whose} throughput is*", "*MALLOC_ARENA_MAX: unset there, 7 here*"]
    )


BREAKING = """
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
    from models import Digits
    from traingate import TrainingSetup
    model = Net()
    return TrainingSetup(
        model, nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters()), Digits(), batch_size
    )

def test_net(training_benchmark, torch_compile):
    training_benchmark(net)
"""


def test_new_graph_breaks_fail_with_their_reasons_whatever_the_time(committed):
    pytester = committed(BREAKING)
    pytester.runpytest_subprocess(*FEW, "--benchmark-save=base").assert_outcomes(passed=1)
    file = pytester.path / "test_training.py"
    breaking = "x = x if x.sum() > -1e9 else -x\n        torch._dynamo.graph_break()"
    file.write_text(file.read_text().replace("# here", breaking))
    result = pytester.runpytest_subprocess(*FEW, "--benchmark-compare", "--traingate-tolerance=49")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines_random(
        [
            "*REGRESSED: 2 graph breaks, 0 before:*",
            "*test_training.py:13: Data-dependent branching*",
            "*test_training.py:14: Call to `torch._dynamo.graph_break()`*",
        ]
    )


def test_calibration_tells_what_it_finds(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(
        command, "calibrate", "test_training.py::test_mlp", "--pairs=4", "--slowdown=60", "--",
        *FEW, "--traingate-tolerance=10",
    )  # fmt: skip
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*compared with itself: 4 pairs (duet, step by step) scatter by*",
            "*slowed down by 60 %: REGRESSED at tolerance 10 % after 2 pairs*",
            "*tolerance*finds 99 of 100*",
        ]
    )


def test_calibration_of_what_is_no_benchmark_is_told(committed):
    pytester = committed()
    command = Path(sys.executable).with_name("traingate")
    result = pytester.run(command, "calibrate", "test_training.py::test_other")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*was not measured*"])
