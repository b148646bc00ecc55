import stat
import threading

import pytest

from traingate.errors import ProtocolError
from traingate.protocol import messages
from traingate.protocol.channel import Listener, connect
from traingate.protocol.codec import decode, encode


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
        messages.Finish(),
    ],
)
def test_a_message_is_the_same_after_encoding_and_decoding(message):
    assert decode(encode(message)) == message


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[1]", b'{"type": "Step"}', b'{"type": "Step", "count": 1, "more": 2}',
     b'{"type": "Unknown"}', b'{"type": ["Step"]}', b"\x80\x04K\x01."],
)  # fmt: skip
def test_an_invalid_payload_is_a_protocol_error(payload):
    with pytest.raises(ProtocolError, match="not a message of protocol version"):
        decode(payload)


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
    channel = listener.accept(10)
    thread.join()
    channel.send(messages.Step(3))
    assert channels[0].receive() == messages.Step(3)
    channels[0].close()
    with pytest.raises(EOFError):
        channel.receive()
    listener.close()
