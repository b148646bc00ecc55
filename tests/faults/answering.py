"""Trainings that change what their worker sends; without torch."""

from __future__ import annotations

import json
import re
import sys
import time

from crashing import MIDDLE, in_step
from trainings import training


def _sending(change):
    """Return a training after whose second measured step each message is changed by a function."""
    channel = sys.modules["traingate.protocol.channel"]
    encode = channel.encode

    def act():
        channel.encode = lambda message: change(encode(message))

    return in_step(MIDDLE, act)


def answering_garbage():
    return _sending(lambda _: b"\xff\xfe garbage \x00")


def answering_a_deep_list():
    return _sending(lambda _: b"[" * 200_000)


def answering_a_wrong_type():
    return _sending(
        lambda payload: payload.replace(b'"starts_epoch": false', b'"starts_epoch": []')
    )


def answering_not_a_number():
    return _sending(lambda text: re.sub(rb'"step_seconds": [^,]+', b'"step_seconds": NaN', text))


def answering_a_negative_number():
    return _sending(lambda payload: payload.replace(b'"peak_rss_bytes": ', b'"peak_rss_bytes": -'))


def _with(payload, **fields):
    """Return a message with other values of fields, if it has them."""
    content = json.loads(payload)
    return json.dumps({**content, **{k: v for k, v in fields.items() if k in content}}).encode()


def answering_a_damaged_profile():
    return _sending(lambda payload: _with(payload, profile={"steps": "many"}))


def answering_without_phases():
    return _sending(lambda payload: _with(payload, phase_seconds={}))


def answering_phases_without_end():
    """Claim a wait for data; with loaders of data, it would be added to the time of other steps."""
    return _sending(lambda payload: _with(payload, phase_seconds={"data": 1e200}))


def answering_a_negative_phase():
    return _sending(lambda payload: _with(payload, phase_seconds={"data": -0.5, "other": 0.5}))


def answering_no_environment():
    return _sending(lambda payload: _with(payload, environment={}))


def answering_too_many_values():
    return _sending(lambda _: b'{"type": "Stepped", "values": [' + b"0," * 2_000_000 + b"0]}")


def answering_too_many_nested_values():
    nested = b"[" * 400 + b"]" * 400 + b","
    return _sending(lambda _: b'{"type": "Stepped", "values": [' + nested * 5_000 + b"0]}")


def _failing_with(**fields):
    return _sending(lambda _: json.dumps({"type": "Failed", **fields}).encode())


def answering_a_long_message():
    return _failing_with(error="X", message="x" * 10_000_000, traceback="")


def answering_a_long_traceback():
    return _failing_with(error="X", message="", traceback="x" * 10_000_000)


def answering_long_reasons():
    return _sending(lambda payload: _with(payload, reasons={"a": ["x" * 10_000_000]}))


def answering_a_long_environment():
    return _sending(lambda payload: _with(payload, environment={"torch": "x" * 10_000_000}))


def _preparing(change):
    """Return a training whose first message is changed by a function."""
    channel = sys.modules["traingate.protocol.channel"]
    encode = channel.encode
    channel.encode = lambda message: change(encode(message))
    print("last words of the workload", flush=True)
    return training(lambda: time.sleep(0.005))


def answering_a_batch_of_nothing():
    return _preparing(lambda payload: _with(payload, batch_size=0))


def answering_batches_without_end():
    return _preparing(lambda payload: _with(payload, prefetched_batches=9_000_000))


def answering_another_form():
    return _preparing(lambda payload: _with(payload, form={"x": 1}))


def answering_something_else():
    return _sending(lambda _: b'{"type": "WarmUp"}')


def _sending_bytes(send):
    """Return a training after whose second measured step *send* replaces the sending of bytes."""
    connection = sys.modules["multiprocessing.connection"].Connection
    return in_step(MIDDLE, lambda: setattr(connection, "send_bytes", send))


def answering_with_a_huge_length():
    return _sending_bytes(lambda self, _: self._send(b"\xff\xff\xff\xff" + b"\x7f" * 8))


def answering_half():
    return _sending_bytes(lambda self, payload: self._send(b"\0\0\1\0" + payload[:20]))


def answering_never():
    return _sending_bytes(lambda *_: None)


def answering_twice():
    send = sys.modules["multiprocessing.connection"].Connection.send_bytes
    return _sending_bytes(lambda self, payload: (send(self, payload), send(self, payload)))
