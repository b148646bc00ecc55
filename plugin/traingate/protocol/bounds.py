"""Check what the types of messages cannot express: ranges of numbers, and keys that are read.

The workload runs in the process that sends, and can damage what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from traingate.protocol import messages
from traingate.protocol.messages import Message

_COUNT: Final = (0.0, 2.0**60)

_BOUNDS: Final[Mapping[type[Message], Mapping[str, tuple[float, float]]]] = {
    messages.Prepared: {
        "batch_size": (1, 2.0**40),
        "epoch_steps": _COUNT,
        "prefetched_batches": (0, 100_000),
    },
    messages.WarmedUp: {"data_workers": (0, 100_000)},
    messages.Stepped: {"number": _COUNT},
    messages.Finished: {
        "peak_rss_bytes": _COUNT,
        "minor_page_faults_per_step": (0.0, 1e18),
        "data_workers_bytes": _COUNT,
        "precision_speedup": (1e-9, 1e9),
    },
    messages.WorkCounted: {
        "flops_per_sample": (0.0, 1e24),
        "operators_per_step": _COUNT,
        "bytes_per_sample": (0.0, 1e24),
        "fixed_bytes_per_step": (0.0, 1e24),
    },
    messages.Measured: {
        "gemm_seconds": (1e-9, 1e9),
        "triad_seconds": (1e-9, 1e9),
        "gemm_flop": (0.0, 1e24),
    },
}
"""Smallest and largest value of fields, by the class of the message. Times of a worker are compared
with the controller's clock instead (``controller.worker_clock``)."""

_KEYS: Final[Mapping[type[Message], Mapping[str, frozenset[str]]]] = {
    messages.Stepped: {"phase_seconds": frozenset({"data"})},
}
"""Keys that fields have, by the class of the message."""


def problem_of(message: Message) -> str:
    """Return what cannot be right about a message, in words; empty if nothing is."""
    kind = type(message)
    for name, (low, high) in _BOUNDS.get(kind, {}).items():
        value = getattr(message, name)
        if value is not None and not low <= value <= high:
            return f"{name} is {value}"
    for name, keys in _KEYS.get(kind, {}).items():
        missing = keys - getattr(message, name).keys()
        if missing:
            return f"{name} has no {', '.join(sorted(missing))}"
    return ""
