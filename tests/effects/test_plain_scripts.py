"""Test that plain scripts, written from recipes, train as workers do, without traingate."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from observing import job_of
from recipe_subjects import STEPS, SUBJECTS, own_parts

from traingate import layers
from traingate.report.recipe.process import plain_process
from traingate.report.recipe.script import plain_script

STACKS = {
    "plain": (),
    "memory-format": (layers.ChannelsLast(),),
    "input-format": (layers.ChannelsLast("input"), layers.BatchSize(6)),
    "bf16": (layers.Bf16Autocast(), layers.ChannelsLast()),
    "fp16": (layers.Fp16Autocast(), layers.FusedOptimizer()),
    "short-products": (layers.Float32Precision(), layers.FlushDenormal(), layers.HugePages()),
    "foreach": (layers.ForeachOptimizer(), layers.DataWorkers(1)),
    "runtime": (
        layers.TunedRuntime(),
        layers.FusedOptimizer(),
        layers.ChannelsLast(),
        layers.PrefetchingLoader(1),
    ),
    "glibc": (layers.TunedRuntime("glibc", "gnu"), layers.Bf16Autocast()),
    "checkpoints": (layers.GradientCheckpointing(), layers.ChannelsLast()),
    "named-checkpoints": (layers.GradientCheckpointing(("1", "2")),),
    "compiled-model": (layers.TorchCompile(), layers.ChannelsLast()),
    "compiled-regions": (layers.CompiledStep(), layers.Bf16Autocast(), layers.FusedOptimizer()),
    "compiled-step": (layers.CompiledStep("one"),),
    "ranks": (layers.DataParallel("torchrun", 2), layers.TunedRuntime("default", "gnu")),
    "accumulating-ranks": (
        layers.DataParallel("torchrun", 2, accumulation=2),
        layers.Fp16Autocast(),
    ),
    "ipex": (layers.IpexOptimize(), layers.Bf16Autocast(), layers.ChannelsLast()),
    "ipex-compiler": (layers.TorchCompile("ipex"), layers.IpexOptimize()),
    "ipexrun": (layers.DataParallel("ipexrun", 2),),
    "xla": (layers.XlaDevice(),),
}

SHORT_CASES = [("images", "runtime")]
"""Case of the most parts of a script; the others take minutes together."""

LONG_CASES = [
    *(("images", stack) for stack in STACKS),
    ("mapping", "memory-format"),
    ("mapping", "compiled-regions"),
    ("mapping", "xla"),
    ("tied", "xla"),
    ("closure", "glibc"),
    ("coding", "bf16"),
    ("coding", "compiled-regions"),
    ("coding", "ranks"),
    ("coding", "ipex"),
]

CASES = [
    *SHORT_CASES,
    *(
        pytest.param(*case, marks=pytest.mark.long)
        for case in LONG_CASES
        if case not in SHORT_CASES
    ),
]


@pytest.mark.parametrize(("subject_name", "stack_name"), CASES)
def test_a_plain_script_has_the_losses_and_the_libraries_of_the_worker(
    train, tmp_path, subject_name, stack_name
):
    subject, stack = SUBJECTS[subject_name], STACKS[stack_name]
    job = job_of(stack, subject.workload, tmp_path, STEPS)
    observation = train(*stack, workload=subject.workload)
    facts = run_script(job, subject, tmp_path)
    assert len(facts) == len(observation.steps)
    for rank_facts, steps in zip(facts, observation.steps, strict=True):
        losses = [step["loss"] for step in steps[:STEPS]]
        assert rank_facts["losses"] == pytest.approx(losses, rel=1e-5)
    first, environment, step = facts[0], observation.record.environment, observation.steps[0][2]
    for name in ("allocator", "openmp", "threads"):
        assert first[name] == environment[name]
    for name in ("trainable", "denormals", "fp32_precision"):
        assert first[name] == step[name]
    if step["inner_strides"] and first["inner_strides"]:
        assert first["inner_strides"] == step["inner_strides"]
    assert bool(first["dynamo_graphs"]) == bool(observation.counters.get("dynamo_graphs"))
    check_options(first, {layer.name: layer for layer in stack})


def check_options(facts, stack):
    """Check what no loss shows: the form of the update, data workers and checkpoints."""
    assert facts["form"] == ["fused_optimizer" in stack, "foreach_optimizer" in stack]
    data_workers = {"data_workers", "prefetching_loader"} & stack.keys()
    assert facts["data_workers"] == len(data_workers)
    all_cores = sorted(os.sched_getaffinity(0))
    assert facts["worker_cores"] == [all_cores] * len(data_workers)
    if "gradient_checkpointing" in stack:
        assert facts["checkpointed"] == (len(stack["gradient_checkpointing"].modules) or 3)


def run_script(job, subject, folder):
    """Return the facts that the script of a job's stack writes, for each rank."""
    python = job.interpreter.python if job.interpreter else sys.executable
    request = job.process_request
    script = plain_script(job.stack, request, form=subject.form, parts=own_parts(subject))
    (folder / "train.py").write_text(script)
    process = plain_process(request, python)
    shell = "\n".join(["set -e", *process.exports, process.command])
    ended = subprocess.run(
        ["sh", "-c", shell],
        cwd=folder,
        env={**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(job.compile_cache)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    files = sorted(folder.glob("facts.*"))
    assert files, script + ended.stdout + ended.stderr
    return [json.loads(file.read_text()) for file in files]


BLOCKS = """
import sys
from collections import Counter
import torch, torchvision
from traingate.layers import memory

functions = {"Counter": Counter}
exec(memory._BLOCKS_OF, functions)
for model in (
    torchvision.models.resnet18(),
    torchvision.models.vit_b_16(),
    torch.nn.Transformer(8, 2, 2, 3),
    torch.nn.Sequential(torch.nn.Sequential(torch.nn.Linear(2, 2))),
):
    expected = memory._default_blocks(model)
    try:
        blocks = functions["blocks_of"](model)
    except SystemExit:
        blocks = []
    assert list(map(id, blocks)) == list(map(id, expected))
    print(len(blocks))
"""


def test_a_script_finds_the_blocks_that_the_layer_finds():
    process = subprocess.run(
        [sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.split() == ["4", "12", "5", "0"]
