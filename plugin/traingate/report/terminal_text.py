"""Clean texts that a stranger may have written, for a terminal or the log of a job."""

from __future__ import annotations

import re
from typing import Final

from traingate.untrusted.plain_text import without_control_characters

_WORKFLOW_COMMAND: Final = re.compile(
    r"(?:^|[\u2028\u2029])(?:\x1b\[[0-9;]*m|[^\S\n\u2028\u2029])*:(?=:)|##(?=\[)", re.MULTILINE
)
"""Starts of the commands that GitHub Actions obeys in the output of a job (docs.github.com,
"Workflow commands"): ``::`` at the beginning of a line, and in its older form ``##[`` anywhere.
Colours may precede them in what was rendered."""

_BREAK: Final = "\u200b"
"""Space without a width."""

_SPACE: Final = re.compile(r"[\n\t]+")


def terminal_text(text: str) -> str:
    """Return a text as it may be written to a terminal, or to the log of a job.

    Control characters are left out, lone surrogates are written as escapes, and the start of a
    command for GitHub Actions is interrupted.
    """
    return rendered_text(without_control_characters(text))


def terminal_line(text: str) -> str:
    """Return a text as it may be written to a terminal, in one line."""
    return _SPACE.sub(" ", terminal_text(text))


def rendered_text(text: str) -> str:
    """Return what a renderer has made, with its colours, as it may be written to the log of a job.

    The renderer wraps long texts, so a line can begin with ``::`` although no text does.

    Args:
        text: Text whose parts went through ``terminal_text`` before they were rendered.
    """
    return _WORKFLOW_COMMAND.sub(lambda match: f"{match[0]}{_BREAK}", text)


def encodable(text: str, stream: object) -> str:
    """Return a text without characters that the encoding of a stream lacks, which are escaped.

    Args:
        text: Text.
        stream: Text file that it will be written to, such as ``sys.stdout``, or what stands there.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
