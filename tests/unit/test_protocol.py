import stat
import threading

import pytest

from traingate.errors import ProtocolError
from traingate.protocol import messages
from traingate.protocol.channel import Listener, connect


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
def test_messages_survive_the_wire(message):
    assert messages.decode(messages.encode(message)) == message


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[1]", b'{"type": "Step"}', b'{"type": "Step", "count": 1, "more": 2}',
     b'{"type": "Unknown"}', b'{"type": ["Step"]}', b"\x80\x04K\x01."],
)  # fmt: skip
def test_nonsense_is_a_protocol_error(payload):
    with pytest.raises(ProtocolError, match="not a message of protocol version"):
        messages.decode(payload)


def test_the_meeting_is_private_and_leaves_nothing():
    meeting = Listener()
    assert stat.S_IMODE(meeting.directory.stat().st_mode) == 0o700
    assert meeting.accept(0.01) is None
    meeting.close()
    assert not meeting.directory.exists()


def test_two_ends_meet_and_the_end_of_one_is_read_by_the_other():
    meeting = Listener()
    joined = []
    other = threading.Thread(target=lambda: joined.append(connect(meeting.directory)[0]))
    other.start()
    channel = meeting.accept(10)
    other.join()
    channel.send(messages.Step(3))
    assert joined[0].receive() == messages.Step(3)
    joined[0].close()
    with pytest.raises(EOFError):
        channel.receive()
    meeting.close()
