"""Numbers of the worker that need no statistics: memory, page faults, compilations, FLOPs."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")


def peak_rss_bytes() -> int:
    """The largest resident memory of this process so far.

    Linux's ``VmHWM`` comes first: ``ru_maxrss`` survives exec, and would report the parent's.
    """
    try:
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def minor_page_faults() -> int:
    """Minor page faults of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def compilations() -> dict[str, int]:
    """What was compiled so far, by name; without the compilers that are not loaded.

    ``dynamo_graphs``: graphs compiled, ``dynamo_graph_breaks``: reasons to leave one,
    ``dynamo_frames``: frames that Dynamo looked at, with each recompilation,
    ``inductor_kernels``: kernels generated (none when they come from the cache),
    ``xla_compilations``: graphs that XLA compiled, ``xla_fallbacks``: operators that it handed
    back to the CPU of torch.
    """
    return {**_dynamo_counts(), **_xla_counts()}


def late_compilations(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """What was compiled between two calls of ``compilations``: frames, and graphs of XLA."""
    return {
        name: after[name] - before.get(name, 0)
        for name in ("dynamo_frames", "xla_compilations")
        if name in after
    }


def _xla_counts() -> dict[str, int]:
    if "torch_xla" not in sys.modules:
        return {}
    from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

    compiled = metrics.metric_data("CompileTime")
    return {
        "xla_compilations": 0 if compiled is None else int(compiled[0]),
        "xla_fallbacks": len(metrics.executed_fallback_ops()),
    }


def _dynamo_counts() -> dict[str, int]:
    if "torch._dynamo.utils" not in sys.modules:
        return {}
    import torch._dynamo.utils  # noqa: PLC0415 - never the first to load it

    counted = torch._dynamo.utils.counters
    found = {
        "dynamo_graphs": counted["stats"]["unique_graphs"],
        "dynamo_graph_breaks": sum(counted["graph_break"].values()),
        "dynamo_frames": counted["frames"]["total"],
    }
    if "torch._inductor.metrics" in sys.modules:
        import torch._inductor.metrics  # noqa: PLC0415

        found["inductor_kernels"] = torch._inductor.metrics.generated_kernel_count
    return found


def flops_per_sample(setup: Any, samples: int = 2) -> float:
    """Floating point operations of one training step of a fresh ``setup``, per sample.

    Counted with ``torch.utils.flop_counter.FlopCounterMode`` over forward, loss and
    backward of ``samples`` samples (a batch norm needs two) on a plain model: an active
    dispatch mode makes Dynamo skip compiling, and IPEX's operators are not counted. A
    multiplication and an addition are two operations.
    """
    from torch.utils.data import DataLoader  # noqa: PLC0415 - only in the worker
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    from traingate.worker.training import loss_of  # noqa: PLC0415 - it imports this module

    loader = DataLoader(setup.dataset, batch_size=samples, collate_fn=setup.collate_fn)
    batch = next(iter(loader))
    with FlopCounterMode(display=False) as counter:
        loss: Any = loss_of(setup.train_step, setup.model, batch, setup.criterion)
        loss.backward()
    return float(counter.get_total_flops()) / samples
