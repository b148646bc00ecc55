import glob
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from pathlib import Path

import pytest

from traingate.errors import ProtocolError
from traingate.protocol import channel, messages
from traingate.protocol.channel import Listener, connect
from traingate.protocol.codec import decode, encode
from traingate.protocol.json_values import as_json


@pytest.mark.parametrize(
    "message",
    [
        messages.Hello(messages.PROTOCOL_VERSION, "3.11.7", rank=1, world_size=2),
        messages.Prepare(
            {"file": "a.py"},
            [{"factory": {}, "options": {"samples": 4}}],
            ["x"],
            "quick",
            1,
            {"origin": "/a", "tree": "/b"},
        ),
        messages.WorkCounted(None, 12),
        messages.Profiled({"a": [1, 2.5, None, {"b": "c"}]}),
        messages.Finish(),
    ],
)
def test_a_message_is_the_same_after_encoding_and_decoding(message):
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[1]", b'{"type": "Step"}', b'{"type": "Step", "count": 1, "more": 2}',
     b'{"type": "Unknown"}', b'{"type": ["Step"]}', b"\x80\x04K\x01.", b"[" * 100_000, b"9" * 5000,
     b'{"type": "Step", "count": "1"}', b'{"type": "Step", "count": 1.0}', b'{"type": "Step", "count": true}',
     b'{"type": "Step", "count": 9223372036854775808}', b'{"type": "Bandwidth", "bytes_per_second": NaN}',
     b'{"type": "Bandwidth", "bytes_per_second": -Infinity}', b'{"type": "Bandwidth", "bytes_per_second": 1e999}',
     b'{"type": "Bandwidth", "bytes_per_second": null}', b'{"type": "Profiled", "profile": {"a": [NaN]}}',
     b'{"type": "Profiled", "profile": {"a": {"b": -1e999}}}',
     b'{"type": "Profiled", "profile": {"a": ' + b"[" * 200 + b"]" * 200 + b"}}"],
)  # fmt: skip
def test_an_invalid_payload_is_a_protocol_error(payload):
    with pytest.raises(ProtocolError, match="not a message of protocol version"):
        decode(payload)


@pytest.mark.parametrize(
    "values",
    [b"0," * 1_000_001, b"[]," * 500_001, (b"[" * 80 + b"]" * 80 + b",") * 12_500],
    ids=["numbers", "lists", "nested lists"],
)
def test_a_payload_of_very_many_values_is_refused_before_they_fill_the_memory(values):
    payload = b'{"type": "Profiled", "profile": {"a": [' + values + b"0]}}"
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match="a message with more than 1,000,000 values"):
            decode(payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def finished(**fields):
    return messages.Finished(1, 0.0, **{"counters": {}, "reasons": {}, **fields})


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (messages.Failed("E", "x" * 50_001, ""), "message has 50,001 .* at most 50,000"),
        (messages.Failed("E" * 60_000_000, "", ""), "error has 60,000,000 .* at most 50,000"),
        (finished(reasons={"a": ["x", "x" * 200_001]}), "reasons has 200,001 .* at most 200,000"),
        (finished(reasons={"a": ["x" * 99_999] * 41}), "reasons has 4,099,960 .* at most 4,000,000"),
        (finished(environment={"x" * 200_001: {"a": 1}}), "environment has 200,001 "),
        (finished(imported_files={"x": "x" * 200_001}), "imported_files has 200,001 "),
        (messages.Profiled({"cells": [["x" * 200_001]]}), "profile has 200,001 "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_text_of_a_child_that_is_too_long_is_a_protocol_error(message, problem):
    with pytest.raises(ProtocolError, match=rf"{type(message).__name__}, whose {problem}"):
        decode(encode(message))


LONGEST = 1.0 * (1 + 1e-6) + 1e-6
"""Longest time of all phases of a step of a second, with rounding."""


def stepped(step_seconds=1.0, **phase_seconds):
    return messages.Stepped(step_seconds, {"data": 0.0, **phase_seconds}, starts_epoch=False)


@pytest.mark.parametrize(
    "message",
    [
        stepped(data=0.0),
        stepped(data=0.25, forward=0.5, other=0.25),
        stepped(data=LONGEST),
        stepped(1e-9, data=1e-6, other=1e-9),
        stepped(0.0, data=0.0),  # of a clock that stands still, which is refused with its cause
        finished(rss_growth_bytes_per_step=-(2.0**60)),
        messages.Bandwidth(1e18),
    ],
    ids=["none", "whole", "longest", "short", "still", "growth", "bandwidth"],
)
def test_times_of_phases_are_parts_of_their_step(message):
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (stepped(data=-1e-9), "phase_seconds has a phase of -1e-09 s"),
        (stepped(data=2.0, other=-1.5), r"phase_seconds has a phase of -1\.5 s"),
        (
            stepped(data=LONGEST + 1e-8),
            r"phase_seconds has 1\.00000201 s in all, and step_seconds is 1",
        ),
        (stepped(data=0.6, forward=0.6), r"phase_seconds has 1\.2 s in all, and step_seconds is 1"),
        (stepped(data=1e200), r"phase_seconds has 1e\+200 s in all"),
        (stepped(data=1e308, forward=1e308), "phase_seconds has inf s in all"),
        (stepped(-1.0, data=0.0), r"phase_seconds has 0 s in all, and step_seconds is -1"),
        (finished(rss_growth_bytes_per_step=1e19), r"rss_growth_bytes_per_step is 1e\+19"),
        (messages.Bandwidth(0.0), r"bytes_per_second is 0\.0"),
        (messages.Bandwidth(1e19), r"bytes_per_second is 1e\+19"),
    ],
    ids=[
        "negative",
        "balanced",
        "longer",
        "together",
        "huge",
        "infinite",
        "step",
        "growth",
        "stopped",
        "bandwidth",
    ],
)
def test_times_of_phases_that_are_no_parts_of_their_step_are_a_protocol_error(message, problem):
    with pytest.raises(ProtocolError, match=rf"{type(message).__name__}, whose {problem}"):
        decode(encode(message))


@pytest.mark.parametrize(
    "message",
    [
        messages.Failed("E", "x" * 50_000, "x" * 50_000),
        finished(reasons={"a": ["x" * 100_000] * 39}, environment={"a": "x" * 200_000}),
        finished(imported_files={f"{number} {'x' * 1000}": "" for number in range(5000)}),
        messages.Profiled({"cells": [["x" * 100_000]] * 100}),
        messages.Prepare({}, [{"options": {"text": "x" * 5_000_000}}], [], "quick", 1, None),
    ],
    ids=["Failed", "Finished", "imported files", "Profiled", "Prepare"],
)
def test_long_texts_are_allowed_where_they_are_usual(message):
    assert decode(encode(message)) == message


def test_surrogates_in_texts_of_a_child_become_escapes():
    """No file can be written with them; they stand for bytes that are not UTF-8."""
    text, escaped = "\udcffé", "\\udcffé"
    assert decode(encode(messages.Failed(text, text, text))) == messages.Failed(*[escaped] * 3)
    environment = {"variables": {text: text}, "list": [text, 1, None]}
    shown = {"variables": {escaped: escaped}, "list": [escaped, 1, None]}
    message = finished(reasons={text: [text]}, environment=environment)
    assert decode(encode(message)) == finished(reasons={escaped: [escaped]}, environment=shown)
    profile = decode(encode(messages.Profiled({"a": {text: [text]}}))).profile
    assert profile == {"a": {escaped: [escaped]}}
    raw = b'{"type": "Failed", "error": "\xed\xb3\xbf", "message": "", "traceback": ""}'
    assert decode(raw) == messages.Failed("\\udcff", "", "")


def test_paths_that_are_opened_keep_their_bytes():
    path = "/a/\udcff.so"
    command = messages.Prepare({"file": path}, [{"options": {"a": path}}], [path], "quick", 1, {})
    assert decode(encode(command)) == command
    message = finished(imported_files={path: "1"})
    assert decode(encode(message)) == message


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("-inf")]}, {1, 2}])
def test_what_json_cannot_represent_is_a_type_error(value):
    """It is found in the options of a layer before anything is measured, and not in the record."""
    with pytest.raises(TypeError):
        as_json(value)


def test_the_directory_of_a_listener_is_private_and_is_removed():
    listener = Listener()
    assert stat.S_IMODE(listener.directory.stat().st_mode) == 0o700
    assert listener.accept(0.01) is None
    listener.close()
    assert not listener.directory.exists()


def test_a_connection_carries_messages_and_its_end_is_an_eof_error():
    listener = Listener()
    channels = []
    thread = threading.Thread(target=lambda: channels.append(connect(listener.directory)[0]))
    thread.start()
    accepted = listener.accept(10)
    thread.join()
    accepted.send(messages.Step(3))
    assert channels[0].receive() == messages.Step(3)
    channels[0].close()
    with pytest.raises(EOFError):
        accepted.receive()
    listener.close()


@pytest.fixture
def connected(monkeypatch):
    """Return the controller's end of a connection, and the worker's."""
    monkeypatch.setattr(channel, "_SILENCE_SECONDS", 0.2)
    listener = Listener()
    ends = []
    thread = threading.Thread(target=lambda: ends.append(connect(listener.directory)[0]))
    thread.start()
    accepted = listener.accept(10)
    thread.join()
    yield accepted, ends[0]
    accepted.close()
    listener.close()


def test_a_message_that_breaks_off_is_given_up(connected):
    accepted, worker = connected
    os.write(worker.fileno(), b"\0\0\0\xff half of it")
    with pytest.raises(ProtocolError, match="a message broke off: nothing followed its start"):
        accepted.receive()


def test_a_message_that_arrives_byte_by_byte_is_given_up(connected, monkeypatch):
    """No silence is long, so that only the whole time ends the wait."""
    monkeypatch.setattr(channel, "_MESSAGE_SECONDS", 0.5)
    accepted, worker = connected
    is_given_up = threading.Event()

    def drip():
        os.write(worker.fileno(), b"\0\0\xff\xff")
        while not is_given_up.wait(0.05):
            os.write(worker.fileno(), b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(ProtocolError, match="a message did not end in time"):
        accepted.receive()
    is_given_up.set()
    thread.join()


@pytest.mark.parametrize("length", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff" + b"\x7f" * 8])
def test_a_message_of_a_huge_length_is_not_waited_for(connected, length):
    accepted, worker = connected
    os.write(worker.fileno(), length)
    with pytest.raises(ProtocolError, match="longer than 64 MiB"):
        accepted.receive()


def test_a_descriptor_that_belongs_to_another_file_by_now_is_not_written_to(connected, tmp_path):
    accepted, worker = connected
    number = worker.fileno()
    file = tmp_path / "weights"
    with file.open("wb") as weights:
        os.dup2(weights.fileno(), number)
        with pytest.raises(OSError, match=f"file descriptor {number}, the connection to traingate"):
            worker.send(messages.Step(3))
    assert file.read_bytes() == b""
    with pytest.raises(EOFError):
        accepted.receive()


def test_a_descriptor_of_another_device_with_the_same_inode_is_not_written_to(connected, tmp_path):
    """Numbers of inodes are unique on one device only."""
    _, worker = connected
    number = worker.fileno()
    device, inode = worker._file
    assert (device, inode) == (os.fstat(number).st_dev, os.fstat(number).st_ino)
    worker._file = (device + 1, inode)
    with pytest.raises(OSError, match=f"file descriptor {number}, the connection to traingate"):
        worker.send(messages.Step(3))


def test_the_limit_of_the_handshake_does_not_hold_for_later_messages(monkeypatch):
    monkeypatch.setattr(channel, "_SILENCE_SECONDS", 0.2)
    listener = Listener()
    received = threading.Event()

    def answer_late():
        own_end, _ = connect(listener.directory)
        received.wait(0.5)  # more than the limit; nothing sets it
        own_end.send(messages.Step(3))

    thread = threading.Thread(target=answer_late)
    thread.start()
    assert listener.accept(10).receive() == messages.Step(3)
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    ("length", "is_used"), [(40, True), (41, False), (57, False), (100, False)]
)
def test_sockets_below_the_directory_of_a_child_have_paths_that_are_short_enough(
    monkeypatch, length, is_used
):
    root = Path(tempfile.mkdtemp(prefix="tg-", dir="/tmp"))
    folder = root / ("x" * (length - len(str(root)) - 1))
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    listener = Listener()
    assert (listener.directory.parent == folder) is is_used
    # As multiprocessing and torch's shared memory name their sockets, in the child's TMPDIR.
    longest = listener.directory / "torch-shm-dir-abcdef" / "manager.sock"
    assert len(str(longest)) <= 107
    assert list(map(Path, glob.glob(channel.listener_pattern()))) == [listener.directory]  # noqa: PTH207
    listener.close()
    shutil.rmtree(root)


def test_the_directories_of_a_process_with_the_same_number_in_another_container_do_not_match():
    program = (
        "import os; os.getpid = lambda: 7\n"
        "from traingate.protocol.channel import listener_pattern; print(listener_pattern())"
    )
    command = [sys.executable, "-c", program]
    first, second = (subprocess.check_output(command, text=True) for _process in range(2))
    assert "/traingate-7-" in first
    assert "/traingate-7-" in second
    assert first != second
