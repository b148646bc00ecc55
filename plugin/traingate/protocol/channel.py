"""Connect the controller and a child process by a Unix socket in a private directory.

A directory of mode 0700 holds the socket and a key. The child connects, and both sides prove that
they know the key. Each message is preceded by its length; nothing is pickled.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import math
import os
import secrets
import select
import socket
import struct
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from traingate.errors import ConfigurationError, ProtocolError
from traingate.protocol.codec import decode, encode
from traingate.protocol.handshake import Authentication, prove
from traingate.protocol.limits import MAX_MESSAGE_BYTES
from traingate.protocol.messages import Message
from traingate.untrusted.clock import running_time
from traingate.untrusted.folders import remove_folder

_SOCKET: Final = "socket"
_KEY: Final = "key"
_NEW_PRIVATE_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL

_MAX_PARENT_BYTES: Final = 40
"""Longest path of the parent directory. The path of a socket has at most 107 bytes (unix(7)), and a
child makes sockets of its own below the directory: those of multiprocessing and of torch's shared
memory add up to 34 bytes to it."""

_SHORT_FOLDERS: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - mkdtemp makes private ones
"""Folders to use if that of the user (TMPDIR) has a longer path."""

_TOKEN: Final = secrets.token_urlsafe(3)
"""Random part of the names of this process's directories. Containers that share a folder may have
processes of the same number, and each process removes all directories that have its own prefix."""

_SILENCE_SECONDS: Final = 10.0
"""Longest silence of a child in the middle of a message. A child that has begun a message sends
the rest at once, unless it hangs or is stopped."""

_MESSAGE_SECONDS: Final = 15.0
"""Usual limit of the time from the start of a message to its end. The longest takes a second."""

_POLL_SECONDS: Final = 1.0
"""Longest wait for the next part of a message without a look at the time."""

_PART_BYTES: Final = 1 << 20

_LENGTH: Final = struct.Struct("!i")
"""Length of a message as ``multiprocessing.connection`` sends it before the message."""


def listener_pattern() -> str:
    """Return the pattern of the paths of all private directories of this process, for ``glob``.

    Raises:
        ConfigurationError: If no folder for temporary files has a path that is short enough.
    """
    return f"{glob.escape(_parent_folder())}/{_directory_prefix()}*"


def _directory_prefix() -> str:
    """Return the start of the names of this process's private directories."""
    return f"traingate-{os.getpid()}-{_TOKEN}-"


def _parent_folder() -> str:
    """Return the folder of the private directories."""
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) <= _MAX_PARENT_BYTES:
        return folder
    for short_folder in _SHORT_FOLDERS:
        if os.access(short_folder, os.W_OK | os.X_OK):
            return short_folder
    raise ConfigurationError(
        f"the folder for temporary files, {folder}, has too long a path for the sockets in it, and "
        f"{', '.join(_SHORT_FOLDERS)} cannot be written to: set TMPDIR to a folder with at most "
        f"{_MAX_PARENT_BYTES} characters"
    )


class Channel:
    """One end of a connection, for at most one thread that reads and one that writes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._file = _file_of(connection.fileno())

    def send(self, message: Message) -> None:
        """Send one message.

        Raises:
            OSError: If the other end is closed, or if the workload has closed this one: its
                descriptor may be that of one of the workload's files by now.
            ConfigurationError: If it is a command that the other end would refuse.
        """
        self._check_descriptor()
        try:
            self._connection.send_bytes(encode(message))
        except BrokenPipeError as error:
            text = "the connection to traingate's controller was closed, or has been shut down"
            raise BrokenPipeError(error.errno, text) from None

    def _check_descriptor(self) -> None:
        """Raise an OSError if the descriptor is not that of the connection any more."""
        number = self._connection.fileno()
        try:
            is_connection = _file_of(number) == self._file
        except OSError:
            is_connection = False
        if not is_connection:
            raise OSError(
                errno.EBADF,
                f"file descriptor {number}, the connection to traingate's controller, has been "
                "closed in this process: close only descriptors that the workload has opened",
            )

    def receive(self, seconds: float | None = None) -> Message:
        """Wait for one message and return it.

        Args:
            seconds: Longest time from its start to its end; None for the usual limit.

        Raises:
            EOFError, OSError: If the other end is closed.
            ProtocolError: If the bytes are not a message of this version, or if the message is too
                long or breaks off.
        """
        self.poll(None)  # the limits of time begin with the message
        deadline = running_time() + (_MESSAGE_SECONDS if seconds is None else seconds)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline))
        if not 0 <= length <= MAX_MESSAGE_BYTES:  # -1 announces a longer one
            raise ProtocolError(f"longer than {MAX_MESSAGE_BYTES >> 20} MiB")
        return decode(self._read(length, deadline))

    def _read(self, count: int, deadline: float) -> bytes:
        """Read so many bytes of a message, until *deadline* at most, a time of ``running_time``."""
        content = bytearray()
        latest = running_time()  # when something came
        while len(content) < count:
            now = running_time()
            if now - latest > _SILENCE_SECONDS:
                raise ProtocolError(
                    f"a message broke off: nothing followed its start for {_SILENCE_SECONDS:g} s"
                )
            if now > deadline:
                raise ProtocolError("a message did not end in time")
            if self.poll(_POLL_SECONDS):
                part = os.read(self.fileno(), min(count - len(content), _PART_BYTES))
                if not part:
                    raise EOFError("the connection has ended")
                content += part
                latest = now
        return bytes(content)

    def poll(self, seconds: float | None) -> bool:
        """Return whether a message or the end of the stream can be read within *seconds*.

        Args:
            seconds: Longest wait; None for one without a limit.
        """
        poll = select.poll()  # Connection.poll never returns if a test stops its clock
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(None if seconds is None else math.ceil(seconds * 1000)))

    def fileno(self) -> int:
        """Return the file descriptor, by which a caller can wait for one of several channels."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this end; the other end then reads the end of the stream."""
        self._connection.close()


def _file_of(descriptor: int) -> tuple[int, int]:
    """Return device and inode of an open file, which no other open file has."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


class Listener:
    """Socket in a private directory, on which the controller waits for its children to connect.

    Attributes:
        directory: Private directory with the socket and the key, removed by ``close``.
    """

    def __init__(self) -> None:
        # mkdtemp sets mode 0700.
        directory = tempfile.mkdtemp(prefix=_directory_prefix(), dir=_parent_folder())
        self.directory = Path(directory)
        key = secrets.token_bytes(32)
        try:
            with os.fdopen(os.open(self.directory / _KEY, _NEW_PRIVATE_FILE, 0o600), "wb") as file:
                file.write(key)
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind(str(self.directory / _SOCKET))
            self._listener.listen()
            self._authentication = Authentication(self._listener, key)
        except BaseException:  # a test may have replaced the socket
            remove_folder(self.directory)
            raise

    def accept(self, seconds: float) -> Channel | None:
        """Wait for one child to connect.

        Returns:
            The channel to a child that has connected and proved to know the key within *seconds*;
            None if there is no such child. A process that connects and proves nothing delays no
            other.
        """
        peer = self._authentication.wait(seconds)
        if peer is None:
            return None
        _limit_sending(peer, _SILENCE_SECONDS)
        return Channel(Connection(peer.detach()))

    def close(self) -> None:
        """Close the socket, and remove the directory with all its files."""
        self._authentication.close()
        self._listener.close()
        remove_folder(self.directory)
        if self.directory.is_symlink():  # its target is somebody else's
            return
        with contextlib.suppress(OSError):  # unlike the above, this needs no descriptor
            for name in (_KEY, _SOCKET):
                (self.directory / name).unlink(missing_ok=True)
            self.directory.rmdir()


def _limit_sending(peer: socket.socket, seconds: float) -> None:
    """Let a write to *peer* fail if it takes no byte for this time (socket(7))."""
    timeval = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)


def connect(directory: Path) -> tuple[Channel, int]:
    """Connect a child to the controller.

    Args:
        directory: Directory of the controller's ``Listener``.

    Returns:
        The channel, and its file descriptor. A process forked from the child must close that
        descriptor: otherwise the controller would not notice the end of the child.

    Raises:
        OSError, EOFError: If the controller does not listen any more.
        KeyMismatchError: If the controller has another key.
    """
    key = (directory / _KEY).read_bytes()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(directory / _SOCKET))
    prove(client, key)
    connection = Connection(client.detach())
    return Channel(connection), connection.fileno()
