"""A record and its hardware, for tests that need a record but no measurement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from traingate.records import Hardware, Launch, LayerRecord, Measurement, to_json

HARDWARE = Hardware(
    cpu="Test CPU (6/207/2)",
    architecture="x86_64",
    cores=2,
    numa_nodes=1,
    instruction_sets=("avx2", "avx512f"),
    memory_bytes=24 << 30,
)

STATISTICS = {
    "min": 1.0, "max": 1.0, "mean": 1.0, "stddev": 0.0, "median": 1.0, "iqr": 0.0, "ops": 1.0,
    "rounds": 4, "iterations": 1, "outliers": "0;0", "q1": 1.0, "q3": 1.0, "ld15iqr": 1.0,
    "hd15iqr": 1.0,
}  # fmt: skip
"""Statistics of a stored benchmark. Without them pytest-benchmark warns, also of a complete record."""


def measurement(launches: Sequence[Launch], **changes: Any) -> Measurement:
    """Return a record of *launches*, with *changes* to its fields."""
    record = Measurement(
        workload="bench.py::tiny",
        stack=(LayerRecord("channels_last", {"scope": "input"}),),
        scale="quick",
        batch_size=32,
        launches=tuple(launches),
        samples_per_second=320.0,
        samples_per_second_interval=(300.0, 340.0),
        flops_per_sample=1e6,
        roofline_flops_per_second=1.8e11,
        roofline_share=0.1,
        counters={},
        machine=HARDWARE,
        environment={"python": "3.11.7"},
    )
    return msgspec.structs.replace(record, **changes)


def save_run(path: Path, records: Mapping[str, Measurement]) -> None:
    """Write a run without a commit, as pytest-benchmark saves it.

    Args:
        path: File of the run.
        records: Records, keyed by the full name of their test.
    """
    benchmarks = [
        {"fullname": name, "extra_info": {"traingate": to_json(record)}}
        for name, record in records.items()
    ]
    content = {"benchmarks": benchmarks, "datetime": "2026-11-22T10:00:00"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
