"""Clean texts that a stranger may have written, before anybody's terminal or page shows them."""

from __future__ import annotations

import re
from typing import Any, Final

_CONTROL_SEQUENCE: Final = re.compile(
    r"""(?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]             # CSI: colours, moves of the cursor
    | (?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])           # OSC, DCS, SOS, PM, APC: titles, links
      [^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*       # their text, in one line
      (?:\x07|\x9c|\x1b\\)                              # its end
    | \x1b\\                                            # the end of a text in several lines
    | \x1b[()*+][0AB]                                   # character set, as tput sgr0 writes it""",
    re.VERBOSE,
)
"""Complete control sequences of terminals (ECMA-48), within a line.

Of all others the control characters alone are left out. A terminal would take the following text
for a part of them, so that a stranger could hide it by a sequence without an end.
"""

_CONTROL_CHARACTER: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""Control characters but for tab and line feed, and those that change the direction of writing."""


def without_control_characters(text: str) -> str:
    """Return a text without what a terminal or a page would obey rather than show.

    Lone surrogates, as in names of files that are not UTF-8, become their escape: no file could be
    written with them.
    """
    plain_text = _CONTROL_CHARACTER.sub("", _CONTROL_SEQUENCE.sub("", text))
    return without_surrogates(plain_text)


def without_surrogates(text: str) -> str:
    """Return a text with its lone surrogates written as escapes.

    Python has them in the place of bytes that are not UTF-8: in names of files, variables and
    output. Neither UTF-8 nor JSON can represent them.
    """
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def without_surrogates_inside(value: Any) -> Any:
    """Return a value of JSON with the lone surrogates of all its texts written as escapes.

    Args:
        value: Value that is not nested so deeply that it cannot be followed to its end.
    """
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, dict):
        return {
            without_surrogates_inside(key): without_surrogates_inside(item)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_surrogates_inside(item) for item in value]
    return value


def shortened(text: str, length: int) -> str:
    """Return *text* without its middle if it has more than *length* characters."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"
