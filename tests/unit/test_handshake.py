"""The socket of the controller lets in its own child, and nothing else holds that up."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from refusing_md5 import WITHOUT_MD5
from traingate.protocol import handshake, messages
from traingate.protocol.channel import Listener, connect
from traingate.protocol.handshake import NONCE_BYTES, KeyMismatchError, prove

CHILD = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from traingate.protocol.channel import connect
from traingate.protocol.messages import Step
channel, _ = connect(Path(sys.argv[2]))
channel.send(Step(channel.receive().count + 1))
"""


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


def accept_child(listener, seconds=10):
    """Return the answer of a child that connects in a thread."""
    ends = []
    thread = threading.Thread(target=lambda: ends.append(connect(listener.directory)[0]))
    thread.start()
    channel = listener.accept(seconds)
    thread.join()
    assert channel is not None
    ends[0].send(messages.Step(3))
    return channel.receive()


def stranger(listener):
    """Return the connection of a process that knows the socket and not the key."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(listener.directory / "socket"))
    return connection


def test_the_key_and_the_socket_are_the_users_alone(listener):
    assert (listener.directory / "key").stat().st_mode & 0o777 == 0o600
    assert listener.directory.stat().st_mode & 0o777 == 0o700


def test_silent_peers_that_came_first_do_not_hold_up_the_child(listener, monkeypatch):
    monkeypatch.setattr(handshake, "_PEER_SECONDS", 3600)
    silent = [stranger(listener) for _ in range(5)]
    assert accept_child(listener, seconds=60) == messages.Step(3)
    for connection in silent:
        connection.close()


def test_a_silent_peer_is_given_up(listener, monkeypatch):
    monkeypatch.setattr(handshake, "_PEER_SECONDS", 0.1)
    with stranger(listener) as silent:
        assert listener.accept(1) is None
        assert len(silent.recv(NONCE_BYTES)) == NONCE_BYTES
        assert silent.recv(1) == b""  # closed by the controller


def accept_until(condition, listener):
    """Let the controller look for its child, in vain, until *condition* returns true."""
    deadline = time.monotonic() + 30
    while not condition():
        assert listener.accept(0.05) is None
        assert time.monotonic() < deadline


def has_bytes(connection):
    """Return whether the controller has sent something."""
    return bool(select.select([connection], [], [], 0)[0])


def test_of_too_many_silent_peers_the_first_is_given_up(listener, monkeypatch):
    monkeypatch.setattr(handshake, "_MAX_PEERS", 3)
    silent = [stranger(listener) for _ in range(5)]
    accept_until(lambda: has_bytes(silent[-1]), listener)
    for connection in silent:
        connection.recv(NONCE_BYTES)
    assert [connection.recv(1) for connection in silent[:2]] == [b"", b""]
    for connection in silent[2:]:
        connection.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent[2].recv(1)
    assert accept_child(listener) == messages.Step(3)
    for connection in silent:
        connection.close()


def test_the_first_peer_may_answer_while_another_one_takes_its_place(listener, monkeypatch):
    monkeypatch.setattr(handshake, "_MAX_PEERS", 1)
    with stranger(listener) as first:
        accept_until(lambda: has_bytes(first), listener)
        first.sendall(b"x" * 64)
        with stranger(listener):
            assert listener.accept(0.05) is None
            assert accept_child(listener) == messages.Step(3)


def test_a_child_that_has_answered_is_let_in_though_another_peer_takes_its_place(
    listener, monkeypatch
):
    monkeypatch.setattr(handshake, "_MAX_PEERS", 1)
    key = (listener.directory / "key").read_bytes()
    with stranger(listener) as child:
        accept_until(lambda: has_bytes(child), listener)
        nonce, proof = b"n" * NONCE_BYTES, handshake._proof
        theirs = child.recv(NONCE_BYTES)
        child.sendall(nonce + proof(key, b"child", theirs, nonce))
        with stranger(listener):
            assert listener.accept(10) is not None
        assert child.recv(32) == proof(key, b"controller", theirs, nonce)


def test_a_peer_that_answers_byte_by_byte_holds_up_no_child_and_is_given_up(listener, monkeypatch):
    monkeypatch.setattr(handshake, "_PEER_SECONDS", 0.5)
    with stranger(listener) as slow:
        accept_until(lambda: has_bytes(slow), listener)
        slow.recv(NONCE_BYTES)
        slow.sendall(b"x")
        assert accept_child(listener) == messages.Step(3)
        refused_after = None
        for sent in range(2, 64):  # of 64 bytes
            assert listener.accept(0.02) is None
            try:
                slow.sendall(b"x")
            except (BrokenPipeError, ConnectionResetError):
                refused_after = sent
                break
        assert refused_after is not None


@pytest.mark.parametrize(
    "answer",
    [b"x" * 64, b"", b"x" * 30, bytes(range(256)) * 16, b"GET / HTTP/1.1\r\n\r\n" * 9],
    ids=["a wrong proof", "the end", "half an answer", "noise", "another protocol"],
)
def test_a_peer_that_answers_wrongly_is_refused_and_the_child_is_let_in(listener, answer):
    with stranger(listener) as connection:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        assert accept_child(listener) == messages.Step(3)
        received = b""
        with contextlib.suppress(ConnectionResetError):  # a part of the answer was not read
            while part := connection.recv(100):
                received += part
        assert len(received) == NONCE_BYTES  # and no proof


def test_the_proof_of_one_end_is_not_that_of_the_other(listener):
    """A stranger between the two could send back what it was sent."""
    with stranger(listener) as connection:
        accept_until(lambda: has_bytes(connection), listener)
        nonce = connection.recv(NONCE_BYTES)
        connection.sendall(nonce + nonce)
        accept_until(lambda: has_bytes(connection), listener)
        assert connection.recv(1) == b""


def test_a_child_refuses_a_controller_with_another_key():
    ours, theirs = socket.socketpair()
    theirs.sendall(b"n" * NONCE_BYTES + b"p" * 32)
    with ours, theirs, pytest.raises(KeyMismatchError):
        prove(ours, b"key")


def test_a_child_that_connects_early_is_let_in_late(listener):
    """Launches start side by side, and the controller measures one after the other."""
    ends = []
    thread = threading.Thread(target=lambda: ends.append(connect(listener.directory)[0]))
    thread.start()
    thread.join(0.3)  # longer than a limit that is too short
    assert listener.accept(10) is not None
    thread.join()
    assert len(ends) == 1


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_handshake_needs_no_md5(tmp_path, version):
    """Both ends run in processes of their own, under an interpreter that refuses MD5."""
    python = interpreter(version)
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_MD5)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    check = "import hashlib, hmac; hmac.new(b'k', b'm', 'md5')"
    refused = subprocess.run(
        [python, "-c", check], check=False, env=environment, capture_output=True, text=True
    )
    assert "unsupported" in refused.stderr  # else this test would show nothing
    package = str(Path(handshake.__file__).parents[2])
    program = (
        f"import subprocess, sys; sys.path.insert(0, {package!r})\n"
        "from traingate.protocol.channel import Listener\n"
        "from traingate.protocol.messages import Step\n"
        "listener = Listener()\n"
        f"child = [sys.executable, '-c', {CHILD!r}, {package!r}, str(listener.directory)]\n"
        "process = subprocess.Popen(child)\n"
        "channel = listener.accept(20)\n"
        "channel.send(Step(1)); print(channel.receive().count)\n"
        "assert process.wait(20) == 0; listener.close()\n"
    )
    command = [python, "-c", program]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        output, errors = process.communicate(timeout=60)
    assert output.strip() == "2", errors


def interpreter(version):
    """Return the path of a Python of this version; skip the test if there is none here."""
    if sys.version.startswith(f"{version}."):
        return sys.executable
    builds = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not builds:
        pytest.skip(f"no Python {version} on this machine")
    return str(builds[-1])


def test_traingate_uses_no_hash_that_fips_hosts_refuse():
    package = Path(handshake.__file__).parents[1]
    uses = [
        file.name
        for file in package.rglob("*.py")
        for name in ("md5", "sha1(")
        if name in file.read_text().replace("needs MD5 before", "").lower()
    ]
    assert uses == []
