"""Check what the types of messages cannot express: ranges, keys that are read, lengths of texts.

The workload runs in the process that sends, and can damage what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, Final, get_args

from traingate.protocol import messages
from traingate.protocol.messages import Message, Request

FROM_CONTROLLER: Final[frozenset[type[Message]]] = frozenset(get_args(Request))
"""Requests, whose texts are those of the user's own session: options of layers may be long."""

_COUNT: Final = (0.0, 2.0**60)

_MAX_TEXT: Final = 200_000
"""Largest number of characters of a text: an environment variable has 131,072 bytes at
most where pages have 4 KiB."""

_MAX_FAILURE_TEXT: Final = 50_000
"""The same for the report of an exception, of which a worker sends 20,000."""

_MAX_ALL_TEXTS: Final = 4_000_000
"""Largest number of characters of all texts in a field: what is shown and stored of a launch."""

_OF_ANY_LENGTH: Final = frozenset({"profile", "imported_files"})
"""Fields whose texts together are bounded by the size of the message alone. Profiles have a few
MiB, and of the files of a project only a digest is kept."""

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
        "rss_growth_bytes_per_step": (-(2.0**60), 2.0**60),
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
    messages.Bandwidth: {"bytes_per_second": (1.0, 1e18)},
}
"""Smallest and largest value of fields, by the class of the message. Times of a worker are compared
with the controller's clock instead (``controller.worker_clock``), and those of the phases of a step
with the time of the step."""

_ROUNDING_SECONDS: Final = 1e-6
_ROUNDING_SHARE: Final = 1e-6
"""Seconds, and share of a step, by which its phases together may be longer. They are differences of
the readings of one clock, of which a step that accumulates gradients has thousands: their sum is
rounded, and nothing else."""

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
    problem = _problem_of_phases(message) if isinstance(message, messages.Stepped) else ""
    if problem:
        return problem
    return "" if kind in FROM_CONTROLLER else _problem_of_texts(message)


def _problem_of_phases(step: messages.Stepped) -> str:
    """Return why the phases of a step cannot be parts of its time, in words; empty if they can.

    Times of phases enter those of steps (``controller.steps``).
    """
    seconds = step.phase_seconds.values()
    shortest, total = min(seconds), sum(seconds)
    if shortest < 0:
        return f"phase_seconds has a phase of {shortest:g} s"
    if total > step.step_seconds * (1 + _ROUNDING_SHARE) + _ROUNDING_SECONDS:
        return (
            f"phase_seconds has {total:.9g} s in all, and step_seconds is {step.step_seconds:.9g}"
        )
    return ""


def _problem_of_texts(message: Message) -> str:
    """Return which text of a child's message is too long, in words; empty if none is."""
    longest = _MAX_FAILURE_TEXT if isinstance(message, messages.Failed) else _MAX_TEXT
    for item in fields(message):
        lengths = [len(text) for text in _texts(getattr(message, item.name))]
        total = 0 if item.name in _OF_ANY_LENGTH else sum(lengths)
        for length, limit in ((max(lengths, default=0), longest), (total, _MAX_ALL_TEXTS)):
            if length > limit:
                return f"{item.name} has {length:,} characters of text, and at most {limit:,} fit"
    return ""


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a value of JSON, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
