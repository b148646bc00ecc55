"""Messages of workers, and texts of options: any input is understood, or refused by its own error."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from hypothesis import strategies as st
from mutations import JSON, NUMBERS, TEXTS, as_text, damaged_bytes, mutated

from traingate.errors import ConfigurationError, ProtocolError
from traingate.options import values
from traingate.options.marker import limits_of
from traingate.protocol import messages
from traingate.protocol.codec import decode, encode

_VALID = [
    messages.Hello(messages.PROTOCOL_VERSION, "3.11.7", 0, 1),
    messages.Prepared(0.5, 8, None, 0, {"step": "pair"}),
    messages.Stepped(0.25, {"data": 0.05}, starts_epoch=False),
    messages.WarmedUp(0.5, compiled=True, data_workers=2),
    messages.Finished(1 << 20, 0.5, {"threads": 2}, {"a": ["b"]}),
    messages.WorkCounted(1e9, 12),
    messages.Failed("ValueError", "text", "Traceback"),
]
_CONTENTS = [{"type": type(message).__name__, **asdict(message)} for message in _VALID]

PAYLOADS = st.one_of(
    *(mutated(content).map(as_text) for content in _CONTENTS),
    st.sampled_from(_CONTENTS).flatmap(lambda content: damaged_bytes(as_text(content))),
    JSON.map(as_text),
    st.binary(max_size=100),
    st.integers(1, 200_000).map(lambda depth: b"[" * depth),
    st.integers(1, 5000).map(lambda length: b'{"type": "Step", "count": ' + b"9" * length + b"}"),
)


def check_payload(payload: bytes) -> None:
    """A payload is a message whose fields have their types, or a ProtocolError of bounded length."""
    try:
        message = decode(payload)
    except ProtocolError as error:
        assert len(str(error)) < 2000
        return
    assert isinstance(message, get_args(messages.Message))
    assert decode(encode(message)) == message
    for item in fields(message):
        value = getattr(message, item.name)
        if item.type in {"int", "float"}:
            assert not isinstance(value, bool)
            assert isinstance(value, (int, float))
            assert math.isfinite(value)
        if item.type == "str":
            assert isinstance(value, str)


@dataclass(frozen=True)
class _Mark:
    """Marker of a test, as pytest gives it."""

    kwargs: dict[str, Any]
    args: tuple[Any, ...] = ()


_KEYWORDS = st.sampled_from(
    ["tolerance", "min_samples_per_second", "max_first_step_seconds", "max_peak_rss_bytes",
     "max_memory_growth_bytes_per_step", "accept_reason", "accept_slowdown", "accept_counters",
     "unknown", "__class__", "merge"]
)  # fmt: skip
_NUMERALS = st.one_of(
    NUMBERS.map(str),
    st.sampled_from(
        ["5%", "5 %", "%", "1e999", "nan", "-inf", "\uff11\uff12", "1_0", "0x5", " 5 ", "5%%"]
    ),
)
OPTIONS = st.one_of(
    st.tuples(st.just("text"), st.one_of(TEXTS, _NUMERALS)),
    st.tuples(
        st.just("marker"),
        st.lists(
            st.dictionaries(_KEYWORDS, st.one_of(JSON, _NUMERALS), max_size=4).map(_Mark),
            max_size=3,
        ),
    ),
)
_PARSERS = (
    values.positive_integer, values.positive_number, values.percent, values.names,
    values.named_path, values.nonempty, values.one_of("quick", "smoke"),
)  # fmt: skip


def check_options(value: tuple[str, Any]) -> None:
    """A text of an option, or a marker, is parsed into its range, or refused in words."""
    kind, content = value
    if kind == "marker":
        try:
            limits = limits_of(content)
        except ConfigurationError as error:
            assert str(error)
            return
        assert limits.tolerance is None or 0 < limits.tolerance < 50
        return
    for parse in _PARSERS:
        try:
            result = parse(content)
        except argparse.ArgumentTypeError as error:
            assert str(error)
            continue
        if isinstance(result, (int, float)):
            assert 0 < result < math.inf
