"""A layer that records the state of the worker after each step."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traingate import BaseLayer, Training

PROFILED_STEP = 3
"""Index of the step after which a forward pass is profiled, which takes half a second."""


def copies_in_forward(model, images) -> int | None:
    """Return the number of tensor copies in one forward pass; None if it cannot be profiled here."""
    import torch
    from torch.profiler import profile

    if type(model) is not torch.nn.Sequential or images is None or images.device.type != "cpu":
        return None
    if torch.autograd.profiler._is_profiler_enabled:  # by the worker, in this step
        return None
    if "intel_extension_for_pytorch" in sys.modules:  # bf16 weights of IPEX need autocast
        return None
    with torch.no_grad(), profile() as profiler:
        model(images)
    return sum(row.count for row in profiler.key_averages() if row.key == "aten::copy_")


def fp32_precision() -> Any:
    """Return the precision of products in fp32, from torch 2.9 on with that of convolutions."""
    import torch

    if not hasattr(torch.backends, "fp32_precision"):
        return torch.get_float32_matmul_precision()
    mkldnn = torch.backends.mkldnn
    return [mkldnn.matmul.fp32_precision, mkldnn.conv.fp32_precision]


def cpp_wrappers() -> int:
    """Return the number of wrappers in C++ that inductor has generated."""
    cache = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    return sum("inductor_entry_impl" in file.read_text() for file in cache.rglob("*.cpp"))


def child_processes() -> list[int]:
    """Return the numbers of the processes that this one has started."""
    children = []
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended meanwhile
            children += map(int, file.read_text().split())
    return children


def checksum(model) -> float:
    """Return the sum of all parameters."""
    return float(sum(values.detach().double().sum() for values in model.parameters()))


@dataclass(frozen=True)
class StepLog(BaseLayer):
    """Layer that writes the state after each step into a file for each rank.

    A line is one JSON object.

    Attributes:
        path: Path of the files, to which the rank is added.
    """

    path: str
    name = "step_log"
    order = 1000

    def apply(self, training: Training) -> None:
        import torch

        target = Path(f"{self.path}.{os.environ.get('RANK') or os.environ.get('PMI_RANK') or 0}")
        modules = {"intel_extension_for_pytorch", "torch_xla", "torch._inductor.compile_fx"}

        strides = []
        count = itertools.count()
        is_original = (
            type(training.model) is torch.nn.Sequential
            and training.train_step is None
            and not training.forward_wrappers
            and len(training.model) > 1
        )
        if is_original:  # a compiler would compile the hook together with the model
            inner = training.model[1]
            inner.register_forward_hook(lambda *arguments: strides.append(arguments[-1].stride()))

        def log_steps(body):
            def step(batch):
                loss = body(batch)
                # So many numbers that each thread computes a part of them.
                tiny = torch.full((1 << 20,), 1e-39) * 0.5
                state = {
                    "loss": float(loss.detach()),
                    "parameters": checksum(training.model),
                    "cores": sorted(os.sched_getaffinity(0)),
                    "modules": sorted(modules & set(sys.modules)),
                    "denormals": int(torch.count_nonzero(tiny)),
                    "fp32_precision": fp32_precision(),
                    "cpp_wrappers": cpp_wrappers(),
                    "children": child_processes(),
                    "inner_strides": strides[-1:],
                    "trainable": sum(each.requires_grad for each in training.model.parameters()),
                }
                if next(count) == PROFILED_STEP:
                    images = batch[0] if isinstance(batch, (tuple, list)) else None
                    state["copies_in_forward"] = copies_in_forward(training.model, images)
                with target.open("a") as file:
                    file.write(json.dumps(state) + "\n")
                return loss

            return step

        training.step_wrappers.append(log_steps)
