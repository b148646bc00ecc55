"""The hardware that this process runs on."""

from __future__ import annotations

import platform
from typing import Final

from traingate.host import cpu
from traingate.records import Hardware

_RELEVANT: Final = ("avx", "amx", "sse4", "fma", "asimd", "sve", "bf16", "i8mm")


def hardware() -> Hardware:
    """The machine that this process runs on."""
    import psutil  # noqa: PLC0415 - loaded only by a run that measures

    told = cpu.description()
    ids = [told[key] for key in ("cpu family", "model", "stepping") if key in told]
    name = told.get("model name") or platform.processor() or platform.machine()
    flags = cpu.instruction_sets()
    return Hardware(
        cpu=f"{name} ({'/'.join(ids)})" if ids else name,
        architecture=platform.machine(),
        cores=cpu.core_count(),
        numa_nodes=len(cpu.numa_nodes()),
        instruction_sets=tuple(sorted(flag for flag in flags if flag.startswith(_RELEVANT))),
        memory_bytes=psutil.virtual_memory().total,
    )
