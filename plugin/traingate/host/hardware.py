"""Describe the hardware that this process runs on."""

from __future__ import annotations

import platform
from typing import Final

from traingate.host import cpu
from traingate.records import Hardware

_VECTOR_PREFIXES: Final = ("avx", "amx", "sse4", "fma", "asimd", "sve", "bf16", "i8mm")
"""Prefixes of the flags that stand for vector and matrix extensions, on x86 and ARM."""


def hardware() -> Hardware:
    """Return the record of the machine that this process runs on."""
    import psutil  # noqa: PLC0415 - only a run that measures needs it

    flags = cpu.instruction_sets()
    return Hardware(
        cpu=cpu.model_name() or platform.processor() or platform.machine(),
        architecture=platform.machine(),
        cores=cpu.core_count(),
        numa_nodes=len(cpu.numa_nodes()),
        instruction_sets=tuple(sorted(flag for flag in flags if flag.startswith(_VECTOR_PREFIXES))),
        memory_bytes=psutil.virtual_memory().total,
    )
