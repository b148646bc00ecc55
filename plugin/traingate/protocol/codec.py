"""Encode messages as JSON, and decode them.

Each message is one JSON object. Its ``type`` names a class of ``messages``, and its other keys are
the fields of that class. Nothing is pickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Final, get_args

from traingate.errors import ProtocolError
from traingate.protocol.messages import PROTOCOL_VERSION, Message

_TYPES: Final[Mapping[str, type[Message]]] = {kind.__name__: kind for kind in get_args(Message)}


def encode(message: Message) -> bytes:
    """Return *message* as a JSON object of its ``type`` and its fields."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}).encode()


def decode(payload: bytes) -> Message:
    """Return the message that *payload* encodes.

    Raises:
        ProtocolError: If the payload is not a JSON object, or its type or fields are not those of a
            message.
    """
    try:
        content = json.loads(payload)
        kind = _TYPES[content.pop("type")]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError(_not_a_message(payload)) from error
    if content.keys() != {item.name for item in fields(kind)}:
        raise ProtocolError(_not_a_message(payload))
    return kind(**content)


def _not_a_message(payload: bytes) -> str:
    """Return the text of the error for a payload that is not a message."""
    return f"not a message of protocol version {PROTOCOL_VERSION}: {payload[:200]!r}"
