"""Describe how a child ended, by its exit status, and read what it printed.

The child can print any amount of anything, so its logs are read from their end, and cut while it
runs.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from traingate.untrusted.clock import counted_work, monotonic, wait_for_exit
from traingate.untrusted.output_end import cut_output, end_of_output
from traingate.untrusted.plain_text import without_control_characters

_LOG_LINES: Final = 40
"""Number of lines shown from the end of each log."""

_LINE_CHARACTERS: Final = 400
"""Largest number of characters shown of a line."""

_FRAME: Final = re.compile(r'  File ".*", line \d+ in ')
"""Line of a stack that faulthandler has printed; that of a traceback has a comma before "in"."""

_MAX_FRAMES: Final = 12
"""Largest number of such lines that are shown of a thread."""

_LOG_NAME: Final = re.compile(r"log(\.\d+)?")

_CUT_SECONDS: Final = 1.0
"""Shortest time between two looks at the size of the logs while answers come."""

NOTHING_PRINTED: Final = "It printed nothing."
"""Sentence in the place of the last lines of a child that has printed none."""

_CUT: Final = "[...] "
"""Start of what is left of a text whose beginning was left out."""


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


def log_tail(directory: Path, ranks: Iterable[int]) -> str:
    """Return the last lines that ranks and their launcher printed.

    Args:
        directory: Private directory of the child. It has the file ``log`` of the launcher, or of a
            child without one, and for a group a file ``log.N`` of each rank N.
        ranks: Ranks whose logs to show, before the file ``log``.
    """
    output_lines: list[str] = []
    for name in (*(f"log.{rank}" for rank in ranks), "log"):
        lines = condensed(_end_of(directory / name).splitlines())[-_LOG_LINES:]
        if lines:
            _, _, rank = name.partition(".")
            source = f" of rank {rank}" if rank else ""
            output_lines += [f"Last output{source}:", *(f"    {_cut(line)}" for line in lines)]
    return "\n".join(output_lines) or NOTHING_PRINTED


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


def printed_text(directory: Path) -> str:
    """Return the text that a child and its ranks printed, of long logs the end; empty if nothing.

    Args:
        directory: Private directory of the child, as for ``log_tail``.
    """
    return "\n".join(filter(None, (_end_of(log).strip("\n") for log in _logs(directory))))


def log_sizes(directory: Path) -> int:
    """Return the number of bytes in all logs of a child."""
    size = 0
    for log in _logs(directory):
        with contextlib.suppress(OSError):
            size += log.stat(follow_symlinks=False).st_size
    return size


def appended_text(directory: Path, size: int) -> str:
    """Return what was printed since all logs of a child together had this size, at most their ends.

    Args:
        directory: Private directory of the child, as for ``log_tail``.
        size: Former value of ``log_sizes``; all that was printed since must be in one log.
    """
    count = log_sizes(directory) - size
    if count <= 0:
        return ""
    newest = max(_logs(directory), key=_time_of_change, default=None)
    if newest is None:
        return ""
    return _end_of(newest).encode()[-count:].decode(errors="replace")


def _time_of_change(log: Path) -> int:
    """Return the time when a log was last written to, in nanoseconds; 0 if it is gone."""
    try:
        return log.stat(follow_symlinks=False).st_mtime_ns
    except OSError:
        return 0


@counted_work()
def cut_logs(directory: Path) -> None:
    """Cut logs that have become large to their ends, so that a child does not fill the disk.

    It may take seconds, if the child has made a great many files there, or if the disk is slow.
    Logs are written in the mode for appending. If the child prints meanwhile, some of it is lost.

    Args:
        directory: Private directory of the child, as for ``log_tail``.
    """
    for log in _logs(directory):
        with contextlib.suppress(OSError), _opened(log, os.O_RDWR | os.O_APPEND) as file:
            cut_output(file)


class LogCutter:
    """Caller of ``cut_logs`` about once a second, also between the answers to short steps.

    Args:
        directory: Private directory of the child.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._due_time = monotonic()

    def cut_when_due(self) -> None:
        """Cut the logs, unless they were looked at less than a second ago."""
        if monotonic() >= self._due_time:
            cut_logs(self._directory)
            self._due_time = monotonic() + _CUT_SECONDS


def _logs(directory: Path) -> Iterator[Path]:
    """Yield the logs in a directory, which is also that of the child's temporary files."""
    names = sorted(file.name for file in directory.glob("log*"))
    yield from (directory / name for name in names if _LOG_NAME.fullmatch(name))


def _end_of(log: Path) -> str:
    """Return the end of a log; empty if it cannot be read."""
    try:
        with _opened(log, os.O_RDONLY) as file:
            end, is_cut = end_of_output(file)
    except OSError:
        return ""
    text = end.decode(errors="replace")
    # Progress bars return to the start of their line.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"{_CUT}{text}" if is_cut else text


@contextlib.contextmanager
def _opened(log: Path, flags: int) -> Iterator[int]:
    """Open a log, and return the number of the open file.

    The workload can put anything in its place, such as a pipe that nobody writes to.

    Raises:
        OSError: If it is no regular file, or cannot be opened.
    """
    descriptor = os.open(log, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "no regular file", str(log))
        yield descriptor
    finally:
        os.close(descriptor)


def _cut(line: str) -> str:
    """Return a line without the end of a long one, and without control characters.

    A cut within a control sequence would leave its start, or all of its text.
    """
    line = without_control_characters(line)
    return line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]} [...]"
