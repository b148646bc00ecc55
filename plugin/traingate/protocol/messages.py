"""The messages between the controller and its children: their fields, framing and version.

A private directory (mode 0700) holds a Unix socket and a key. The child connects, both
sides prove that they know the key, and each message is one length-prefixed JSON object
whose ``type`` names a class of this module. Nothing is pickled. Standard library only: the
child may run under an interpreter that has nothing else.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Final, TypeAlias

from traingate.errors import ProtocolError
from traingate.protocol.json_values import JSON

PROTOCOL_VERSION: Final = 3
"""Raised by one whenever a message changes; both ends must agree."""


_SOCKET = "socket"
_LONGEST_PARENT: Final = 60
_KEY = "key"


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


class Channel:
    """One end of a connection. Not safe for two threads that read, or two that write."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Send one message; OSError if the other end is gone."""
        self._connection.send_bytes(encode(message))

    def receive(self) -> Message:
        """Wait for one message; EOFError or OSError if the other end is gone."""
        return decode(self._connection.recv_bytes())

    def poll(self, seconds: float) -> bool:
        """Whether a message, or the end, can be read within ``seconds``."""
        return self._connection.poll(seconds)

    def fileno(self) -> int:
        """The file descriptor, to wait for one of several channels."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this end; the other end reads the end of the file."""
        self._connection.close()


class Meeting:
    """The controller's side of connections to come: a private directory with a socket."""

    def __init__(self) -> None:
        # mkdtemp makes it 0700. A socket's path is short, and TMPDIR may be long.
        parent = tempfile.gettempdir()
        parent = parent if len(parent) < _LONGEST_PARENT else "/tmp"  # noqa: S108 - see above
        self.directory = Path(tempfile.mkdtemp(prefix="traingate-", dir=parent))
        self._key = secrets.token_bytes(32)
        try:
            (self.directory / _KEY).write_bytes(self._key)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(self.directory / _SOCKET))
            self._listener.listen()
        except OSError:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def accept(self, seconds: float) -> Channel | None:
        """A child that connects within ``seconds`` and knows the key, else None."""
        self._listener.settimeout(seconds)
        try:
            peer, _ = self._listener.accept()
        except TimeoutError:
            return None
        peer.setblocking(True)
        connection = Connection(peer.detach())
        try:
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
        except (EOFError, OSError, AuthenticationError):  # it died, or is none of ours
            connection.close()
            return None
        return Channel(connection)

    def close(self) -> None:
        """Remove the socket and the directory with all that was left in it."""
        self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def connect(directory: Path) -> tuple[Channel, int]:
    """The child's side: join the meeting in ``directory``.

    Returns:
        The channel, and its file descriptor, which a forked child must close: it would
        hide this process's end from the controller.
    """
    key = (directory / _KEY).read_bytes()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(directory / _SOCKET))
    connection = Connection(client.detach())
    answer_challenge(connection, key)
    deliver_challenge(connection, key)
    return Channel(connection), connection.fileno()
