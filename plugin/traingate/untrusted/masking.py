"""Mask passwords, tokens and keys, before a record, a report or a log keeps the text around them.

The worker imports this module, so it imports the standard library, and modules of
traingate that do the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from traingate.untrusted.secret_names import (
    is_header,
    is_name_of_tokens,
    is_secret_name,
    is_secret_variable,
    is_short_name,
)
from traingate.untrusted.secret_shapes import PLACES, SHAPES

MASK: Final = "[masked]"
"""Text in the place of a secret: always the same, so that secrets never differ between runs."""

_ASSIGNMENT: Final = re.compile(
    r"(?<![\w-])(?:"
    r"(?P<name>[\w-]+)(?P<quote>\\{0,4}[\"']|%2[27])?[ \t]*"
    r"(?:=+>?|(?<!:):(?!:|//)=?|%3[AD])"
    # The value of an option is another word, or another item of a list that Python shows.
    r"|(?P<option>--[\w-]+)(?:[ \t]+(?=[^\s-])|\s{1,3}(?=[^\s-])|[\"'],\s{0,3}(?=[\"']))"
    r")",
    re.IGNORECASE,
)
"""Name to which something is assigned: in a command, a query of a URL, a header, JSON or a file."""

_SCHEME: Final = (
    r"(?:(?:bearer|basic|token|api-?key|digest|negotiate|ntlm)[ \t]{1,9}(?=[^\s\"',;]))?"
)
"""Scheme of an authorization, before the secret itself."""

_VALUE: Final = re.compile(
    rf"[ \t]*\s{{0,3}}{_SCHEME}(?:"
    # In quotes, to their end or to that of the line.
    r"(?P<open>[\"'])(?P<quoted>(?:(?!(?P=open))[^\\\r\n]|\\[^\r\n])*)"
    r"|(?P<escaped>\\{1,4}[\"']|%2[27])(?P<inner>.*?)(?=(?P=escaped)|$)"
    # Else to a space, to the next assignment, or to a quote that ends a text around it.
    r"|(?P<bare>(?:[^\s\"',;&]|[,;&](?![\w.-]{1,40}=|[\"'\s]|$)|[\"'](?=[\w$%@#!*+-]))+)"
    r")",
    re.IGNORECASE | re.MULTILINE,
)
"""Value after such a name; a group of it is the secret."""

_LINES: Final = {quote: re.compile(rf"[ \t]*([^\r\n{quote}]+)") for quote in ("", "'", '"')}
"""Rest of the line after the name of a header, by the quote before it, with which it ends."""

_NUMBER: Final = re.compile(r"[-+]?\d[\d._,]{0,12}(?:e[-+]?\d{1,3})?[,;)\]}]*", re.IGNORECASE)

_RANDOM: Final = re.compile(r"(?!\d+[-._])(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w+/.~-]{8,}=*")
"""Value that looks like a token, and not like the words or the numbers of a model's tokens."""

_GROUPS: Final = ("quoted", "inner", "bare")

_LONGEST_LOOK: Final = 300
"""Number of characters by which it is decided whether a value is a secret, if its name has several
meanings. All of the value would take quadratic time: it may be full of such names."""

_SHORTEST: Final = 8
"""Smallest number of characters of a text that can hold a name and a secret, or a shape."""


def masked_text(text: str) -> str:
    """Return a text with the secrets in it masked, as far as their shape or their name shows them.

    Args:
        text: Command line, address, message or other text.
    """
    if len(text) < _SHORTEST:
        return text
    text = SHAPES.sub(MASK, text)
    for place in PLACES:
        text = place.sub(rf"\1{MASK}\2", text)
    return _with_masked_values(text)


def _with_masked_values(text: str) -> str:
    """Return a text in which the values that are assigned to names of secrets are masked."""
    parts = []
    end = 0
    for match in _ASSIGNMENT.finditer(text):
        # A name inside of a value that is masked is masked with it; its own value may follow.
        if match.end() < end:
            continue
        start, stop = _secret_after(text, match)
        if start < stop and text[start:stop] != MASK:
            parts += [text[end:start], MASK]
            end = stop
    return "".join([*parts, text[end:]])


def _secret_after(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Return the start and the end of the secret that is assigned; the same place if none is."""
    nothing = (match.end(), match.end())
    name = match["name"] or match["option"]
    if is_header(name) and match[0].endswith(":") and not match["quote"]:
        # A header in quotes, as an argument of curl is, ends with them.
        before = text[max(0, match.start() - 1) : match.start()]
        line = _LINES.get(before, _LINES[""]).match(text, match.end())
        return line.span(1) if line else nothing
    if not is_secret_name(name):
        if not (is_short_name(name) or is_name_of_tokens(name) or name == "sig"):
            return nothing
        beginning = _VALUE.match(text, match.end(), match.end() + _LONGEST_LOOK)
        if beginning is None or not _is_secret_value(text, match, name, _secret_of(beginning)[0]):
            return nothing
    value = _VALUE.match(text, match.end())
    return _secret_of(value)[1] if value else nothing


def _secret_of(value: re.Match[str]) -> tuple[str, tuple[int, int]]:
    """Return the secret of a match of ``_VALUE``, and its start and end."""
    group = next(group for group in _GROUPS if value[group] is not None)
    return value[group], value.span(group)


def _is_secret_value(text: str, match: re.Match[str], name: str, value: str) -> bool:
    """Return whether the value of a name with several meanings is a secret."""
    if name == "sig":  # of an address that Azure has signed
        return text[max(0, match.start() - 1) : match.start()] in {"?", "&", ";"}
    if is_name_of_tokens(name):
        return bool(_RANDOM.fullmatch(value))
    if _NUMBER.fullmatch(value):
        return False
    if name.lower().endswith("pwd") and value.startswith(("/", "~", ".")):
        return False  # the working directory
    is_word_of_prose = match[0].endswith(":") and not match["quote"]
    return not (is_word_of_prose and name.islower() and name in {"pass", "pat", "pw", "creds"})


def masked_variable(name: str, value: str) -> str:
    """Return the value of an environment variable, masked if its name or shape is a secret's."""
    return MASK if value and is_secret_variable(name) else masked_text(value)


def masked_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment of a record with its secrets masked.

    Args:
        environment: ``Measurement.environment``, of which ``variables`` are masked by name too.
    """
    masked = {name: _masked(value) for name, value in environment.items()}
    variables = environment.get("variables")
    if isinstance(variables, Mapping):
        masked["variables"] = {
            name: masked_variable(name, value) if isinstance(value, str) else value
            for name, value in variables.items()
        }
    return masked


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
