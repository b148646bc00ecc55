"""Connect the controller and a child process by a Unix socket in a private directory.

A directory of mode 0700 holds the socket and a key. The child connects, and both sides prove that
they know the key. Each message is preceded by its length; nothing is pickled.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import tempfile
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Final

from traingate.protocol.codec import decode, encode
from traingate.protocol.messages import Message

_SOCKET: Final = "socket"
_KEY: Final = "key"

_MAX_PARENT_BYTES: Final = 59
"""Longest path of the parent directory: the path of a socket has at most 107 bytes (unix(7))."""


class Channel:
    """One end of a connection, for at most one thread that reads and one that writes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, message: Message) -> None:
        """Send one message.

        Raises:
            OSError: If the other end is closed.
        """
        self._connection.send_bytes(encode(message))

    def receive(self) -> Message:
        """Wait for one message and return it.

        Raises:
            EOFError, OSError: If the other end is closed.
            ProtocolError: If the bytes are not a message of this version.
        """
        return decode(self._connection.recv_bytes())

    def poll(self, seconds: float) -> bool:
        """Return whether a message or the end of the stream can be read within *seconds*."""
        return self._connection.poll(seconds)

    def fileno(self) -> int:
        """Return the file descriptor, by which a caller can wait for one of several channels."""
        return self._connection.fileno()

    def close(self) -> None:
        """Close this end; the other end then reads the end of the stream."""
        self._connection.close()


class Listener:
    """Socket in a private directory, on which the controller waits for its children to connect.

    Attributes:
        directory: Private directory with the socket and the key, removed by ``close``.
    """

    def __init__(self) -> None:
        # mkdtemp sets mode 0700. TMPDIR may be too long for the path of a socket.
        parent = tempfile.gettempdir()
        parent = parent if len(os.fsencode(parent)) <= _MAX_PARENT_BYTES else "/tmp"  # noqa: S108 - see above
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
        """Wait for one child to connect.

        Returns:
            The channel to a child that has connected within *seconds* and knows the key; None if
            there is no such child.
        """
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
        except (EOFError, OSError, AuthenticationError):  # the peer died, or does not know the key
            connection.close()
            return None
        return Channel(connection)

    def close(self) -> None:
        """Close the socket, and remove the directory with all its files."""
        self._listener.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def connect(directory: Path) -> tuple[Channel, int]:
    """Connect a child to the controller.

    Args:
        directory: Directory of the controller's ``Listener``.

    Returns:
        The channel, and its file descriptor. A process forked from the child must close that
        descriptor: otherwise the controller would not notice the end of the child.

    Raises:
        OSError, EOFError: If the controller does not listen any more.
        multiprocessing.AuthenticationError: If the controller has another key.
    """
    key = (directory / _KEY).read_bytes()
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(directory / _SOCKET))
    connection = Connection(client.detach())
    answer_challenge(connection, key)
    deliver_challenge(connection, key)
    return Channel(connection), connection.fileno()
