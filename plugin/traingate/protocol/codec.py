"""Encode messages as JSON, and decode them.

Each message is one JSON object. Its ``type`` names a class of ``messages``, and its other keys are
the fields of that class. Nothing is pickled. Types of fields are checked, because the workload runs
in the process that sends, and can damage what is sent.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, Final, TypeAlias, get_args

from traingate.errors import ConfigurationError, ProtocolError
from traingate.protocol.bounds import FROM_CONTROLLER, problem_of
from traingate.protocol.limits import MAX_DEPTH, MAX_MESSAGE_VALUES, excess_of_text, too_deep
from traingate.protocol.messages import PROTOCOL_VERSION, Finished, Message
from traingate.untrusted.json_size import count_values
from traingate.untrusted.plain_text import without_surrogates_inside

_Check: TypeAlias = Callable[[Any], bool]

_PARTS: Final[Mapping[str, str]] = {
    "workload": "the arguments of the workload",
    "layers": "the options of the layers",
    "import_paths": "the folders of the project on the search path",
    "relocation": (
        "the list of paths that git ignores in the working tree, in which a folder without any "
        "tracked file is one path"
    ),
}
"""Descriptions of the fields of commands whose size the user decides."""

_MAX_WHOLE_NUMBER: Final = 1 << 63
"""First number that is too large for a record, whose readers have 64 bits."""


def encode(message: Message) -> bytes:
    """Return *message* as a JSON object of its ``type`` and its fields.

    Raises:
        ConfigurationError: If it is a command that ``decode`` would refuse.
    """
    is_command = type(message) in FROM_CONTROLLER
    if is_command:
        _check_fields(message)
    payload = json.dumps({"type": type(message).__name__, **asdict(message)}).encode()
    excess = excess_of_text(payload) if is_command else ""
    if excess:
        raise ConfigurationError(
            f"the command {type(message).__name__} cannot be sent to the worker: it has {excess}. "
            f"Most of this is {_largest_part(message)}."
        )
    return payload


def _check_fields(message: Message) -> None:
    """Raise a ConfigurationError if a field of a command is too deep or of a wrong type."""
    for name, check in _CHECKS[type(message)].items():
        if not check(getattr(message, name)):
            raise ConfigurationError(
                f"{_PARTS.get(name, name)}, a part of the command {type(message).__name__}, cannot "
                f"be sent to the worker: it has {too_deep(MAX_DEPTH)}, or of another type"
            )


def _largest_part(message: Message) -> str:
    """Return the description of the field of a command that takes most of it."""
    texts = {
        item.name: json.dumps(getattr(message, item.name)).encode() for item in fields(message)
    }
    largest = max(texts, key=lambda name: (count_values(texts[name]), len(texts[name])))
    return _PARTS.get(largest, largest)


def decode(payload: bytes) -> Message:
    """Return the message that *payload* encodes.

    Texts of a child become part of records, results and errors, so lone surrogates in them are
    written as escapes. Paths that are opened stay as they are: those in commands, and those of
    imported files.

    Raises:
        ProtocolError: If the payload is not a JSON object, if its type or fields are not those of a
            message, or if a value in it cannot be right.
    """
    if count_values(payload) > MAX_MESSAGE_VALUES:
        raise ProtocolError(f"a message with more than {MAX_MESSAGE_VALUES:,} values")
    try:
        content = json.loads(payload)
        kind = _TYPES[content.pop("type")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(_not_a_message(payload)) from error
    checks = _CHECKS[kind]
    if content.keys() != checks.keys() or not all(
        check(content[name]) for name, check in checks.items()
    ):
        raise ProtocolError(_not_a_message(payload))
    message: Message = kind(**content)
    if kind not in FROM_CONTROLLER:
        message = _without_surrogates(message)
    problem = problem_of(message)
    if problem:
        raise ProtocolError(f"{kind.__name__}, whose {problem}")
    return message


def _without_surrogates(message: Message) -> Message:
    """Return a message of a child with the lone surrogates in its texts written as escapes."""
    return replace(
        message,
        **{
            item.name: without_surrogates_inside(getattr(message, item.name))
            for item in fields(message)
            if (type(message), item.name) != (Finished, "imported_files")
        },
    )


def _not_a_message(payload: bytes) -> str:
    """Return the text of the error for a payload that is not a message."""
    return f"not a message of protocol version {PROTOCOL_VERSION}: {payload[:200]!r}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_truth_value(value: Any) -> bool:
    return isinstance(value, bool)


def _is_whole_number(value: Any) -> bool:
    return type(value) is int and abs(value) < _MAX_WHOLE_NUMBER


def _is_number(value: Any) -> bool:
    return _is_whole_number(value) or (isinstance(value, float) and math.isfinite(value))


def _is_json(value: Any, depth: int = 0) -> bool:
    """Return whether a record can have a value: no NaN, and nothing that is nested too deeply."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (dict, list)):
        items = value.values() if isinstance(value, dict) else value
        return depth < MAX_DEPTH and all(_is_json(item, depth + 1) for item in items)
    return True


def _is_list_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _is_dict_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


_BY_ANNOTATION: Final[Mapping[str, _Check]] = {
    "str": _is_text,
    "bool": _is_truth_value,
    "int": _is_whole_number,
    "float": _is_number,
    "list[str]": _is_list_of(_is_text),
    "dict[str, JSON]": _is_dict_of(_is_json),
    "dict[str, str]": _is_dict_of(_is_text),
    "dict[str, int]": _is_dict_of(_is_whole_number),
    "dict[str, float]": _is_dict_of(_is_number),
    "dict[str, list[str]]": _is_dict_of(_is_list_of(_is_text)),
    "list[dict[str, JSON]]": _is_list_of(_is_dict_of(_is_json)),
}
"""Check of a value for each annotation of a field in ``messages``."""


def _check_of(annotation: str) -> _Check:
    """Return the check for an annotation, which may allow None."""
    base = annotation.removesuffix(" | None")
    check = _BY_ANNOTATION[base]
    if base == annotation:
        return check
    return lambda value: value is None or check(value)


_TYPES: Final[Mapping[str, type[Message]]] = {kind.__name__: kind for kind in get_args(Message)}

_CHECKS: Final[Mapping[type[Message], Mapping[str, _Check]]] = {
    kind: {item.name: _check_of(str(item.type)) for item in fields(kind)}
    for kind in get_args(Message)
}
"""Check of each field, by the class of the message."""
