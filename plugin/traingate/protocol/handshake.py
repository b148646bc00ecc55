"""Prove that both ends of a connection know the same key, before either sends anything else.

The handshake of ``multiprocessing.connection`` needs MD5 before Python 3.12, which hosts in FIPS
mode refuse, and it waits for one peer after the other: a process that connects and sends nothing
would delay the child behind it. This one is an HMAC-SHA256 (RFC 2104) over random numbers of both
ends. Children may run without the dependencies of traingate, so this module imports the standard
library alone.

    < 32 bytes   random number of the controller
    > 64 bytes   random number of the child; its proof
    < 32 bytes   proof of the controller
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Final

from traingate.untrusted.clock import monotonic

NONCE_BYTES: Final = 32
PROOF_BYTES: Final = 32

_PEER_SECONDS: Final = 10.0
"""Longest time in which a peer of the controller has to prove that it knows the key."""

_RETRY_SECONDS: Final = 0.05
"""Pause after a connection that could not be accepted, for lack of file descriptors."""

_MAX_PEERS: Final = 32
"""Largest number of peers that are waited for; of more, the oldest connection is closed."""


class KeyMismatchError(Exception):
    """Error of a peer that does not know the key."""


@dataclass(eq=False)
class _Peer:
    """Process that has connected and not yet proved anything.

    Attributes:
        socket: Its connection, which does not block.
        deadline: Time by which it has to prove that it knows the key.
        nonce: Random number that it was sent.
        answer: Part of its answer that has come so far.
    """

    socket: socket.socket
    deadline: float
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_BYTES))
    answer: bytes = b""


class Authentication:
    """Peers of a controller, which prove that they know the key.

    Args:
        listener: Socket on which they connect.
        key: Key that they have to know.
    """

    def __init__(self, listener: socket.socket, key: bytes) -> None:
        self._listener, self._key = listener, key
        self._peers: list[_Peer] = []
        listener.setblocking(False)

    def wait(self, seconds: float) -> socket.socket | None:
        """Return the connection to a peer that knows the key; None if none proves that in time."""
        deadline = monotonic() + seconds
        while True:
            ready_peers, is_called = self._ready(deadline)
            for peer in ready_peers:
                connection = self._proceed(peer)
                if connection is not None:
                    return connection
            if is_called:  # only now, since it may refuse one of those peers
                self._accept()
            for peer in [*self._peers]:
                if monotonic() >= peer.deadline:
                    self._refuse(peer)
            if monotonic() >= deadline:
                return None

    def close(self) -> None:
        """Close the connections to all peers that have not proved that they know the key."""
        while self._peers:
            self._refuse(self._peers[0])

    def _ready(self, deadline: float) -> tuple[list[_Peer], bool]:
        """Return the peers that have sent something, and whether a new one wants to connect."""
        poll = select.poll()  # descriptors may have numbers that are too high for select()
        by_number = {peer.socket.fileno(): peer for peer in self._peers}
        for number in (self._listener.fileno(), *by_number):
            poll.register(number, select.POLLIN)
        times = (deadline, *(peer.deadline for peer in self._peers))
        events = poll.poll(max(0.0, min(times) - monotonic()) * 1000)
        ready = [by_number[number] for number, _ in events if number in by_number]
        return ready, len(ready) < len(events)

    def _accept(self) -> None:
        """Accept a connection, and send the random number."""
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it is gone again, or there are too many open files
            time.sleep(_RETRY_SECONDS)
            return
        connection.setblocking(False)
        peer = _Peer(connection, monotonic() + _PEER_SECONDS)
        self._peers.append(peer)
        try:
            connection.send(peer.nonce)
        except OSError:
            self._refuse(peer)
        if len(self._peers) > _MAX_PEERS:
            self._refuse(self._peers[0])

    def _proceed(self, peer: _Peer) -> socket.socket | None:
        """Read from a peer; return its connection if it has proved to know the key."""
        expected = NONCE_BYTES + PROOF_BYTES
        try:
            part = peer.socket.recv(expected - len(peer.answer))
        except BlockingIOError:
            return None
        except OSError:
            part = b""
        peer.answer += part
        if part and len(peer.answer) < expected:
            return None
        nonce, proof = peer.answer[:NONCE_BYTES], peer.answer[NONCE_BYTES:]
        if hmac.compare_digest(proof, _proof(self._key, b"child", peer.nonce, nonce)):
            with contextlib.suppress(OSError):
                peer.socket.send(_proof(self._key, b"controller", peer.nonce, nonce))
                peer.socket.setblocking(True)
                self._peers.remove(peer)
                return peer.socket
        self._refuse(peer)
        return None

    def _refuse(self, peer: _Peer) -> None:
        """Close the connection to a peer, which may have been refused already."""
        if peer in self._peers:
            self._peers.remove(peer)
        peer.socket.close()


def prove(connection: socket.socket, key: bytes) -> None:
    """Prove to the controller that this child knows the key, and let it prove the same.

    The controller may be busy for long with a child that has started earlier, so there is no limit
    of time.

    Args:
        connection: Connection to the controller, which blocks.
        key: Key of the controller.

    Raises:
        KeyMismatchError: If the controller has another key.
        OSError, EOFError: If the controller does not answer, or listens no more.
    """
    controller_nonce = _read(connection, NONCE_BYTES)
    nonce = secrets.token_bytes(NONCE_BYTES)
    connection.sendall(nonce + _proof(key, b"child", controller_nonce, nonce))
    proof = _read(connection, PROOF_BYTES)
    if not hmac.compare_digest(proof, _proof(key, b"controller", controller_nonce, nonce)):
        raise KeyMismatchError("the controller has another key")


def _read(connection: socket.socket, count: int) -> bytes:
    """Return this number of bytes; raise EOFError if the connection ends before."""
    content = b""
    while len(content) < count:
        part = connection.recv(count - len(content))
        if not part:
            raise EOFError
        content += part
    return content


def _proof(key: bytes, role: bytes, controller_nonce: bytes, child_nonce: bytes) -> bytes:
    """Return the proof of one end, which the other end cannot send back as its own."""
    return hmac.digest(key, role + controller_nonce + child_nonce, "sha256")
