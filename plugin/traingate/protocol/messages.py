"""The messages between the controller and its children: their fields, framing and version.

A private directory (mode 0700) holds a Unix socket and a key. The child connects, both
sides prove that they know the key, and each message is one length-prefixed JSON object
whose ``type`` names a class of this module. Nothing is pickled. Standard library only: the
child may run under an interpreter that has nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, TypeAlias

from traingate.errors import ProtocolError
from traingate.protocol.json_values import JSON

PROTOCOL_VERSION: Final = 3
"""Raised by one whenever a message changes; both ends must agree."""


# From the child, once, as soon as it can work.


@dataclass(frozen=True)
class Hello:
    """The child is there: its protocol version, Python version, and place in its group."""

    version: int
    python: str
    rank: int
    world_size: int


# From the controller to a training worker, in this order; WarmUp and Step may be repeated.


@dataclass(frozen=True)
class Prepare:
    """Import the workload and build the training.

    ``workload`` is a WorkloadName and each of ``layers`` a factory with its options, as
    plain JSON; ``import_paths`` come first on the child's ``sys.path``. With a ``relocation``,
    the fields of ``relocation.Relocation``, all of the project is taken from its other tree.
    """

    workload: dict[str, JSON]
    layers: list[dict[str, JSON]]
    import_paths: list[str]
    scale: str
    seed: int
    relocation: dict[str, JSON] | None


@dataclass(frozen=True)
class WarmUp:
    """Take one step before measuring; the first one compiles. May be repeated."""


@dataclass(frozen=True)
class Step:
    """Take ``count`` measured steps; each is answered by a Stepped of its own."""

    count: int


@dataclass(frozen=True)
class Finish:
    """Sum up the measured steps. The answer proves that the launch succeeded."""


@dataclass(frozen=True)
class CountWork:
    """Count what one step of a fresh, plain copy does."""


@dataclass(frozen=True)
class Profile:
    """Profile ``steps`` further steps."""

    steps: int


# From a training worker.


@dataclass(frozen=True)
class Prepared:
    """The training stands: seconds it took, samples per batch, and the child's software."""

    setup_seconds: float
    batch_size: int
    environment: dict[str, JSON]


@dataclass(frozen=True)
class WarmedUp:
    """Seconds of that step, and whether anything was compiled in it."""

    step_seconds: float
    compiled: bool


@dataclass(frozen=True)
class Stepped:
    """Seconds of one step, and the part of them spent waiting for data."""

    step_seconds: float
    data_seconds: float


@dataclass(frozen=True)
class Finished:
    """What the process cost over the measured steps; counters are whole numbers by name.

    ``reasons`` says of some counters why they are not 0, a line for each reason.
    """

    peak_rss_bytes: int
    minor_page_faults_per_step: float
    counters: dict[str, int]
    reasons: dict[str, list[str]]


@dataclass(frozen=True)
class WorkCounted:
    """What a plain step does; null where it cannot be counted."""

    flops_per_sample: float | None
    operators_per_step: int | None


@dataclass(frozen=True)
class Profiled:
    """The operator table: name, calls and self CPU seconds, costliest first."""

    operators: list[dict[str, JSON]]


# Between the controller and the yardstick.


@dataclass(frozen=True)
class Measure:
    """Do ``repeats`` units of the yardstick's work."""

    repeats: int


@dataclass(frozen=True)
class Measured:
    """Seconds per fp32 GEMM (of ``gemm_flop`` operations) and per stream triad."""

    gemm_seconds: float
    triad_seconds: float
    gemm_flop: float


# From any child, as its last message.


@dataclass(frozen=True)
class Failed:
    """The exception's type and text, and its traceback, shortened.

    ``traceback`` is empty where traingate itself refused, and the message says all.
    """

    error: str
    message: str
    traceback: str


Message: TypeAlias = (
    Hello | Prepare | WarmUp | Step | Finish | CountWork | Profile | Prepared | WarmedUp | Stepped
    | Finished | WorkCounted | Profiled | Measure | Measured | Failed
)  # fmt: skip

_TYPES: Final[Mapping[str, type[Message]]] = {
    kind.__name__: kind
    for kind in (
        Hello, Prepare, WarmUp, Step, Finish, CountWork, Profile, Prepared, WarmedUp, Stepped,
        Finished, WorkCounted, Profiled, Measure, Measured, Failed,
    )
}  # fmt: skip


def encode(message: Message) -> bytes:
    """One JSON object: the message's fields and its ``type``."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}).encode()


def decode(payload: bytes) -> Message:
    """The message in ``payload``.

    Raises:
        ProtocolError: if it is no JSON object, of no known type, or has other fields.
    """
    try:
        content = json.loads(payload)
        kind = _TYPES[content.pop("type")]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError(_not_a_message(payload)) from error
    if content.keys() != {field.name for field in fields(kind)}:
        raise ProtocolError(_not_a_message(payload))
    return kind(**content)


def _not_a_message(payload: bytes) -> str:
    return f"not a message of protocol version {PROTOCOL_VERSION}: {payload[:200]!r}"
