"""Profile steps: the time of each operator, and the types of its tensors."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from traingate.protocol.json_values import JSON


def operators(step: Callable[[], object], steps: int) -> list[dict[str, JSON]]:
    """Profile calls of *step*, and return its operator table.

    Args:
        step: Function that takes one step.
        steps: Number of calls.

    Returns:
        For each operator its ``name``, ``calls_per_step``, ``self_cpu_seconds_per_step`` and
        ``input_types`` (C++ types of its tensors, such as ``float`` and ``c10::BFloat16``), sorted
        by decreasing time.
    """
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415 - only in the worker

    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        for _ in range(steps):
            step()
    with tempfile.TemporaryDirectory() as directory:
        trace = Path(directory) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        types = _input_types(json.loads(trace.read_text())["traceEvents"])
    rows = sorted(profiler.key_averages(), key=lambda row: -row.self_cpu_time_total)
    return [
        {
            "name": row.key,
            "calls_per_step": row.count / steps,
            "self_cpu_seconds_per_step": row.self_cpu_time_total / steps / 1e6,
            "input_types": types.get(row.key, []),
        }
        for row in rows
    ]


def _input_types(events: Iterable[Mapping[str, Any]]) -> dict[str, list[JSON]]:
    """Return the types of each operator's tensors, which only the trace has (torch 2.8)."""
    types_by_operator: dict[str, set[str]] = defaultdict(set)
    for event in events:
        input_types = event.get("args", {}).get("Input type", [])
        types_by_operator[event.get("name", "")].update(
            kind for kind in input_types if isinstance(kind, str) and kind not in _NO_TENSORS
        )
    return {name: [*sorted(types)] for name, types in types_by_operator.items()}


_NO_TENSORS = {"", "Scalar", "ScalarList", "GenericList", "TensorList"}
