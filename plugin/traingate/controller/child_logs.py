"""Read what a child and its ranks print into their logs, and cut these while they run.

The child can print any amount of anything, so its logs are read from their end. They lie in its
folder for temporary files, where the workload can remove their names or put other files in their
place. So each is opened once, before the workload runs, and read and cut by its descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from traingate.controller.exit_report import NOTHING_PRINTED, last_lines
from traingate.untrusted.clock import counted_work, monotonic
from traingate.untrusted.output_end import cut_output, end_of_output

_LOG: Final = "log"
"""Name of the log of the launcher, or of a child without one; that of rank N is ``log.N``."""

_LOG_NAME: Final = re.compile(rf"{_LOG}(\.\d+)?")

_READ_AND_CUT: Final = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

_CUT_SECONDS: Final = 1.0
"""Shortest time between two looks at the size of the logs while answers come."""

_CUT: Final = "[...] "
"""Start of what is left of a text whose beginning was left out."""


class ChildLogs:
    """Logs of one child, which stay open until ``close``.

    Args:
        directory: Private directory of the child, in which the logs are made.
        ranks: Number of ranks that make logs of their own; 0 without a launcher.

    Attributes:
        directory: The same directory.
    """

    def __init__(self, directory: Path, ranks: int = 0) -> None:
        self.directory = directory
        self._most = 1 + ranks
        self._files: dict[str, int] = {}
        self._due_time = monotonic()

    @contextlib.contextmanager
    def created(self) -> Iterator[int]:
        """Make the log of the command, and yield a descriptor for what the command prints.

        Raises:
            OSError: If it cannot be made or opened.
        """
        path = self.directory / _LOG
        self._files[_LOG] = os.open(path, _READ_AND_CUT | os.O_CREAT | os.O_EXCL, 0o600)
        # Not a duplicate, whose mode of appending the child could change for both.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def find(self) -> None:
        """Open the logs that have been made since the last call, until each rank has one.

        Call it at least once between the start of all ranks and that of the workload.
        """
        if len(self._files) >= self._most:
            return
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = sorted(file.name for file in self.directory.glob(f"{_LOG}*"))
        for name in names:
            is_new = _LOG_NAME.fullmatch(name) and name not in self._files
            if is_new and len(self._files) < self._most:
                with contextlib.suppress(OSError):
                    self._files[name] = _opened(self.directory / name)

    def tail(self, ranks: Iterable[int]) -> str:
        """Return the last lines that ranks and their launcher printed.

        Args:
            ranks: Ranks whose logs to show, before that of the launcher.
        """
        self.find()
        output_lines: list[str] = []
        for name in (*(f"{_LOG}.{rank}" for rank in ranks), _LOG):
            lines = last_lines(_end_of(self._files[name])) if name in self._files else []
            if lines:
                _, _, rank = name.partition(".")
                source = f" of rank {rank}" if rank else ""
                output_lines += [f"Last output{source}:", *(f"    {line}" for line in lines)]
        return "\n".join(output_lines) or NOTHING_PRINTED

    def printed_text(self) -> str:
        """Return the text that all printed, of long logs the end; empty if nothing."""
        self.find()
        texts = [_end_of(file).strip("\n") for _, file in sorted(self._files.items())]
        return "\n".join(filter(None, texts))

    def total_size(self) -> int:
        """Return the number of bytes in all logs."""
        self.find()
        return sum(os.fstat(file).st_size for file in self._files.values())

    def appended_text(self, size: int) -> str:
        """Return what was printed since all logs together had this size, at most their ends.

        Args:
            size: Former value of ``total_size``; all that was printed since must be in one log.
        """
        count = self.total_size() - size
        if count <= 0:
            return ""
        newest = max(self._files.values(), key=lambda file: os.fstat(file).st_mtime_ns)
        return _end_of(newest).encode()[-count:].decode(errors="replace")

    @counted_work()
    def cut(self) -> None:
        """Cut logs that have become large to their ends, so that a child does not fill the disk.

        It may take seconds if the disk is slow. Logs are written in the mode for appending. If the
        child prints meanwhile, some of it is lost.
        """
        self.find()
        for file in self._files.values():
            with contextlib.suppress(OSError):
                cut_output(file)

    def cut_when_due(self) -> None:
        """Cut the logs, unless this was done less than a second ago, between short steps."""
        if monotonic() >= self._due_time:
            self.cut()
            self._due_time = monotonic() + _CUT_SECONDS

    def close(self) -> None:
        """Close the logs, of which nothing can be read any more."""
        self._most = 0
        while self._files:
            os.close(self._files.popitem()[1])


def _end_of(file: int) -> str:
    """Return the end of a log; empty if it cannot be read."""
    try:
        end, is_cut = end_of_output(file)
    except OSError:
        return ""
    text = end.decode(errors="replace")
    # Progress bars return to the start of their line.
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"{_CUT}{text}" if is_cut else text


def _opened(log: Path) -> int:
    """Open the log of a rank, and return the number of the open file.

    Anything can be in its place, such as a pipe that nobody writes to.

    Raises:
        OSError: If it is no regular file, or cannot be opened.
    """
    descriptor = os.open(log, _READ_AND_CUT)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no regular file", str(log))
    return descriptor
