"""Which operators a step spends its time in."""

from __future__ import annotations

from collections.abc import Callable

from traingate.values import JSON


def operators(step: Callable[[], object], steps: int) -> list[dict[str, JSON]]:
    """Profile ``steps`` calls of ``step``.

    Returns:
        Per operator its ``name``, ``calls_per_step`` and ``self_cpu_seconds_per_step``; the
        costliest first.
    """
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - only in the worker

    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(steps):
            step()
    rows = sorted(profiler.key_averages(), key=lambda row: -row.self_cpu_time_total)
    return [
        {
            "name": row.key,
            "calls_per_step": row.count / steps,
            "self_cpu_seconds_per_step": row.self_cpu_time_total / steps / 1e6,
        }
        for row in rows
    ]
