"""The connection between the controller and a child: a private directory, a socket and a key.

A directory of mode 0700 holds a Unix socket and a key. The child connects, and both sides prove
that they know the key. Each message is length-prefixed; nothing is pickled.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from pathlib import Path
from typing import Final

from traingate.protocol.messages import Message, decode, encode

_SOCKET = "socket"


_LONGEST_PARENT: Final = 60


_KEY = "key"


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


class Listener:
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
