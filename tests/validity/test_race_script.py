"""Test that the lines for a stack, in a plain script, have the throughput that traingate measures."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest
from same_training import compute_bound

from script_ratio import log_ratio
from traingate import layers
from traingate.controller.job import Job, LaunchPlan
from traingate.controller.scales import SCALES
from traingate.gate.statistics import mean_interval
from traingate.layers.recipe import TrainingForm
from traingate.layers.stack import Stack
from traingate.report.recipe.script import OPTIONS, OwnParts
from traingate.workload import name_of

PAIRS = 5
CONFIDENCE = 0.998
INVALID_WIDTH = 0.3

IMAGES = """
import torchvision

class Images:
    def __len__(self):
        return 1_000_000

    def __getitem__(self, index):
        return torch.randn(3, 64, 64), index % 10
"""

PARTS = OwnParts(
    imports=IMAGES,
    model="model = torchvision.models.resnet18()\ncriterion = torch.nn.CrossEntropyLoss()",
    optimizer=f"optimizer = torch.optim.SGD(model.parameters(){OPTIONS})",
    data="dataset = Images()\nbatch_size = 8",
)

STACK = (layers.ChannelsLast(), layers.FusedOptimizer(), layers.TunedRuntime("glibc", "gnu"))


@pytest.mark.long  # the losses of scripts have shorter tests, in tests/effects/test_plain_scripts.py
def test_the_script_of_a_stack_is_as_fast_as_its_worker(tmp_path):
    job = Job(
        workload=name_of(compute_bound, "workload"),
        identity="compute-bound",
        stack=Stack.of(STACK),
        scale=SCALES["smoke"],
        launches=LaunchPlan(1, 1),
        compile_cache=tmp_path / "kernels",
        import_paths=(str(Path(__file__).parent),),
    )
    logs = []
    for number in range(PAIRS):
        folder = tmp_path / str(number)
        folder.mkdir()
        logs.append(log_ratio(job, PARTS, TrainingForm(), folder))
    low, high = mean_interval(logs, CONFIDENCE)
    print(f"script / worker: {math.exp(statistics.fmean(logs)):.3f}, {math.exp(low):.3f} to {math.exp(high):.3f}")  # fmt: skip
    assert high - low < INVALID_WIDTH
    assert low <= 0 <= high
    assert statistics.fmean(logs) == pytest.approx(0.0, abs=0.05)
