"""A record and its hardware, for tests that read records rather than take measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from traingate.records import Hardware, Launch, LayerRecord, Measurement

HARDWARE = Hardware(
    cpu="Test CPU (6/207/2)",
    architecture="x86_64",
    cores=2,
    numa_nodes=1,
    instruction_sets=("avx2", "avx512f"),
    memory_bytes=24 << 30,
)


def measurement(launches: Sequence[Launch], **changes: Any) -> Measurement:
    """Return a record of *launches*, with *changes* to any of its fields."""
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
