"""Name the kernels of a compiled step, and read the metrics of XLA."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable

from traingate.protocol.json_values import JSON

_WARM_UP_STEPS = 3


def is_compiled() -> bool:
    """Return whether Dynamo has compiled anything in this process."""
    if "torch._dynamo.utils" not in sys.modules:
        return False
    import torch._dynamo.utils  # noqa: PLC0415 - must not be the first import of it

    return bool(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def name_kernels(step: Callable[[], object]) -> None:
    """Compile again, so that the profiler sees each kernel of inductor under its name.

    The name of a kernel has the operators that were fused into it. Inductor puts a range of the
    profiler into a kernel only if ``cpp.enable_kernel_profile`` is set while it generates the code.
    The timed steps have run without it.
    """
    import torch._dynamo  # noqa: PLC0415 - only where it is loaded
    import torch._inductor.config as inductor  # noqa: PLC0415

    with contextlib.suppress(AttributeError):  # another version of torch has no such setting
        inductor.cpp.enable_kernel_profile = True
    torch._dynamo.reset()
    for _ in range(_WARM_UP_STEPS):
        step()


def xla_times() -> dict[str, tuple[float, float]]:
    """Return the count and the seconds of each time that XLA keeps, empty without XLA."""
    if "torch_xla" not in sys.modules:
        return {}
    from torch_xla.debug import metrics  # noqa: PLC0415 - only where XLA is loaded

    times = {}
    for name in metrics.metric_names():
        data = metrics.metric_data(name)
        if data is not None and name.endswith("Time"):
            times[name] = (float(data[0]), data[1] / 1e9)
    return times


def xla_times_per_step(before: dict[str, tuple[float, float]], steps: int) -> list[dict[str, JSON]]:
    """Return the increase of ``xla_times`` over some steps, per step.

    Args:
        before: Result of ``xla_times`` before the steps.
        steps: Number of steps.
    """
    rows: list[dict[str, JSON]] = []
    for name, (count, seconds) in xla_times().items():
        old_count, old_seconds = before.get(name, (0.0, 0.0))
        if count > old_count:
            calls, time = (count - old_count) / steps, (seconds - old_seconds) / steps
            rows.append({"name": name, "calls": calls, "seconds": time})
    return rows
