"""Clean texts that a stranger may have written, before anybody's terminal or page shows them."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE_SEQUENCE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.?)"
)
"""Control sequences of terminals (ECMA-48): colours, moves of the cursor, titles, links."""

_CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but for tab and line feed, and those that change the direction of writing."""


def without_control_characters(text: str) -> str:
    """Return a text without what a terminal or a page would obey rather than show."""
    return _CONTROL_CHARACTER.sub("", _ESCAPE_SEQUENCE.sub("", text))


_WORKFLOW_COMMAND: Final = re.compile(r"(?:^|[\u2028\u2029])\s*:(?=:)|##(?=\[)", re.MULTILINE)
"""Starts of the commands that GitHub Actions obeys in the output of a job (docs.github.com,
"Workflow commands"): ``::`` at the beginning of a line, and in its older form ``##[`` anywhere."""

_BREAK: Final = "\u200b"
"""Space without a width."""

_SPACE: Final = re.compile(r"[\n\t]+")


def terminal_text(text: str) -> str:
    """Return a text as it may be written to a terminal, or to the log of a job.

    Control characters are left out, lone surrogates are written as escapes, and the start of a
    command for GitHub Actions is interrupted.
    """
    visible = without_control_characters(text).encode(errors="backslashreplace").decode()
    return _WORKFLOW_COMMAND.sub(lambda match: f"{match[0]}{_BREAK}", visible)


def terminal_line(text: str) -> str:
    """Return a text as it may be written to a terminal, in one line."""
    return _SPACE.sub(" ", terminal_text(text))
