"""Read what a parent process sends until it ends, though others may hold its pipe open.

A process that the parent has forked keeps a copy of each of its pipes. So the end of the pipe shows
the end of the parent only if there is no such process. The scripts that clean up after a killed
pytest load this module by its path, and it imports the standard library alone.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

_CHECK_SECONDS = 1.0
"""Interval of the looks at the parent on a system without pidfd_open(2)."""

_PART_BYTES = 1 << 16


def read_until_parent_ends(descriptor: int, parent: int) -> Iterator[bytes]:
    """Yield parts of what comes from a pipe, until the pipe ends or the parent has ended.

    Args:
        descriptor: File descriptor of the pipe.
        parent: Process id of the parent.
    """
    first_parent = os.getppid()  # another process adopts this one when its parent ends
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    pidfd = None
    try:
        pidfd = os.pidfd_open(parent)
        poll.register(pidfd, select.POLLIN)
    except ProcessLookupError:  # it has ended already
        first_parent = 0
    except (AttributeError, OSError):  # not Linux, an old kernel, or a sandbox
        pass
    try:
        while True:
            events = dict(poll.poll(None if pidfd is not None else _CHECK_SECONDS * 1000))
            if descriptor in events:  # first, since the parent may have sent it before its end
                part = os.read(descriptor, _PART_BYTES)
                if not part:
                    return
                yield part
            elif events or os.getppid() != first_parent or not _exists(parent):
                return
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def read_lines_until_parent_ends(descriptor: int, parent: int) -> Iterator[bytes]:
    """Yield the lines that come from a pipe, without their ends; the last one may be a part."""
    rest = b""
    for part in read_until_parent_ends(descriptor, parent):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
    yield rest
