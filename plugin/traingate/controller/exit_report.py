"""Describe how a child ended, by its exit status and by the last lines that it printed."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterable
from typing import Final

from traingate.untrusted.clock import wait_for_exit
from traingate.untrusted.plain_text import without_control_characters

_LOG_LINES: Final = 40
"""Number of lines shown from the end of each log."""

_LINE_CHARACTERS: Final = 400
"""Largest number of characters shown of a line."""

_FRAME: Final = re.compile(r'  File ".*", line \d+ in ')
"""Line of a stack that faulthandler has printed; that of a traceback has a comma before "in"."""

_MAX_FRAMES: Final = 12
"""Largest number of such lines that are shown of a thread."""

NOTHING_PRINTED: Final = "It printed nothing."
"""Sentence in the place of the last lines of a child that has printed none."""


def describe_exit(process: subprocess.Popen[bytes], seconds: float) -> str:
    """Return how *process* ended, as the verb phrase of a sentence.

    Do not use it for a launcher, whose status says nothing about the program that it started:
    run_cpu always exits with 0.

    Args:
        process: Process that has ended or is about to.
        seconds: Longest wait for its end.
    """
    code = wait_for_exit(process, seconds)
    if code is None:
        return "closed its connection"
    if code >= 0:
        return f"exited with status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a signal for real-time programs
        name = f"signal {-code}"
    cause = " (by a person, or by the kernel for lack of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{cause}"


def last_lines(text: str) -> list[str]:
    """Return the last lines of a log as they are shown: condensed, each at most so long.

    Args:
        text: End of the log.
    """
    return [_cut(line) for line in condensed(text.splitlines())[-_LOG_LINES:]]


def condensed(lines: Iterable[str]) -> list[str]:
    """Return lines with only the beginning of each stack that faulthandler has printed.

    The latest call comes first in it, so this is what the thread was doing.
    """
    condensed_lines: list[str] = []
    frames = 0
    for line in lines:
        frames = frames + 1 if _FRAME.match(line) else 0
        if frames <= _MAX_FRAMES:
            condensed_lines.append(line)
        elif frames == _MAX_FRAMES + 1:
            condensed_lines.append("  ...")
    return condensed_lines


def _cut(line: str) -> str:
    """Return a line without the end of a long one, and without control characters.

    A cut within a control sequence would leave its start, or all of its text.
    """
    line = without_control_characters(line)
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]} [...]"
