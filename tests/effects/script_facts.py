"""Record the state of a plain script after each step, as ``StepLog`` does in a worker.

It uses nothing of traingate.
"""

from __future__ import annotations

import json
import os
import sys
from multiprocessing import active_children
from pathlib import Path

import torch


def rank() -> int:
    """Return the number of this process in its group, as torchrun or Intel MPI tells it."""
    return int(os.environ.get("RANK") or os.environ.get("PMI_RANK") or 0)


def fp32_precision():
    """Return the precision of products in fp32, from torch 2.9 on with that of convolutions."""
    if not hasattr(torch.backends, "fp32_precision"):
        return torch.get_float32_matmul_precision()
    mkldnn = torch.backends.mkldnn
    return [mkldnn.matmul.fp32_precision, mkldnn.conv.fp32_precision]


class Recorder:
    """Recorder of one process.

    Args:
        libraries: Module that tells the libraries of this process.
        model: Model as the layers have left it.
        optimizers: Optimizers.
        steps: Number of steps, after which the facts are written.
    """

    def __init__(self, libraries, model, optimizers, steps):
        self.libraries, self.optimizers, self.steps = libraries, optimizers, steps
        self.model = model
        self.losses, self.strides = [], []
        if type(model) is torch.nn.Sequential:
            model[1].register_forward_hook(lambda *a: self.strides.append(a[-1].stride()))

    def is_last(self, loss) -> bool:
        """Record a step, and return whether it was the last one."""
        self.losses.append(float(loss.detach()))
        if len(self.losses) < self.steps:
            return False
        Path(f"facts.{rank()}").write_text(json.dumps(self.facts()))
        return True

    def facts(self):
        """Return what can be compared with the worker."""
        group = self.optimizers[0].param_groups[0]
        return {
            "losses": self.losses,
            "allocator": self.libraries.allocator_name(),
            "openmp": self.libraries.openmp_name(),
            "threads": torch.get_num_threads(),
            "trainable": sum(each.requires_grad for each in self.model.parameters()),
            "denormals": int(torch.count_nonzero(torch.full((1 << 20,), 1e-39) * 0.5)),
            "fp32_precision": fp32_precision(),
            "inner_strides": self.strides[-1:],
            "dynamo_graphs": self.dynamo_graphs(),
            "form": [bool(group.get("fused")), bool(group.get("foreach"))],
            "data_workers": len(active_children()),
            "worker_cores": [sorted(os.sched_getaffinity(each.pid)) for each in active_children()],
            "checkpointed": sum(
                "forward" in vars(each)
                for each in self.model.modules()
                if not hasattr(each, "_orig_mod")  # a compiled model has one too
            ),
        }

    def dynamo_graphs(self):
        """Return the number of graphs that Dynamo has compiled."""
        if "torch._dynamo.utils" not in sys.modules:
            return 0
        return torch._dynamo.utils.counters["stats"]["unique_graphs"]
