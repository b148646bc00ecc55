"""Read and write files that others may have damaged, replaced or chosen.

Reading is bounded in time and memory, whatever lies at a path: a FIFO, a device, a huge file. A
file is written completely or not at all. This module imports the standard library, and modules of
traingate that do the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from traingate.untrusted.json_size import MAX_VALUES, count_values
from traingate.untrusted.locks import try_to_lock
from traingate.untrusted.new_names import rename_to_new

_CHUNK_BYTES: Final = 1 << 20
_UNFINISHED: Final = re.compile(r"\.traingate-[0-9a-f]{16}")
"""Names of files that are being written, or whose writer was killed."""

_KILLED_SECONDS: Final = 60.0
"""Age from which a file without a lock has no writer; one takes its lock at once."""

_OPEN_FILES: Final = ("/dev/fd/", "/dev/std", "/proc/")
"""Beginnings of paths that stand for open files: these are written to, and not replaced."""

_STANDARD_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR: Final = re.compile(
    r"/(?:dev|proc/(?P<process>self|thread-self|\d+))/fd/(?P<number>\d{1,9})"
)
"""Paths that stand for open files of a process, by their descriptors (proc(5))."""

_KINDS: Final = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(mode: int) -> str | None:
    """Return what a file is, by its mode, such as ``a FIFO``; None for a regular file."""
    return next((title for is_kind, title in _KINDS if is_kind(mode)), None)


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file.

    Args:
        path: Path of the file, or of a link to it.
        max_bytes: Largest size that is read.

    Raises:
        OSError: If it is missing, no regular file, or larger than *max_bytes*.
    """
    with _opened(path) as file:
        size = os.fstat(file).st_size
        content = bytearray()
        while size <= max_bytes and len(content) <= max_bytes:
            chunk = os.read(file, min(_CHUNK_BYTES, max_bytes + 1 - len(content)))
            if not chunk:
                return bytes(content)
            content += chunk
    raise OSError(f"it is larger than {max_bytes / 2**20:g} MiB, and was not read")


def has_too_many_values(path: Path) -> bool:
    """Return whether a regular file of JSON, of any size, has more than ``MAX_VALUES`` values.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    values = 0
    with _opened(path) as file:
        while chunk := os.read(file, _CHUNK_BYTES):
            values += count_values(chunk)
    return values > MAX_VALUES


def contains(path: Path, text: bytes) -> bool:
    """Return whether a regular file of any size has *text* in it.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    end = b""
    with _opened(path) as file:
        while chunk := os.read(file, _CHUNK_BYTES):
            if text in end + chunk:
                return True
            end = (end + chunk)[-len(text) :]  # a read may bring less than the text
    return False


@contextlib.contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    """Yield the descriptor of a regular file that was opened for reading without waiting."""
    _check_path(path)
    # Without O_NONBLOCK, opening a FIFO waits for somebody who writes to it.
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    try:
        if kind := kind_of(os.fstat(file).st_mode):
            raise OSError(f"it is {kind}, not a file")
        yield file
    finally:
        os.close(file)


def _check_path(path: Path) -> None:
    """Check that a path has no null byte, for which Python raises no OSError."""
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path cannot have a null byte", repr(str(path)))


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file as a whole: after a failure, *path* is as it was before.

    A link is replaced, and the file that it leads to is left alone. A FIFO or a device, such as
    ``/dev/stdout``, is written to.

    Args:
        path: Path of the file.
        content: New content. Lone surrogates of a text are written as escapes.

    Raises:
        OSError: If it cannot be written.
    """
    _check_path(path)
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    if _is_stream(path):
        _write_to_stream(path, data)
    else:
        _write_whole(path, [data], Path.replace)


def create_atomically(path: Path, content: bytes) -> None:
    """Write a new file as a whole: after a failure, and while it is written, *path* is missing.

    Args:
        path: Path of the file.
        content: Content.

    Raises:
        FileExistsError: If there is anything at *path*.
        OSError: If it cannot be written.
    """
    _check_path(path)
    _write_whole(path, [content], rename_to_new)


def copy_atomically(source: Path, path: Path) -> None:
    """Copy a regular file of any size as a whole: after a failure, *path* is as it was before.

    Whatever lies at *path* is replaced: a link, a FIFO or a device too.

    Args:
        source: Path of the file; a link is not followed.
        path: Path of the copy.

    Raises:
        OSError: If it is no regular file, or if the copy cannot be written.
    """
    with _opened(source, os.O_NOFOLLOW) as file:
        _write_whole(path, iter(lambda: os.read(file, _CHUNK_BYTES), b""), Path.replace)


def append(path: Path, text: str) -> None:
    """Append a text to a file, which is made if it is missing.

    A FIFO or a device, such as ``/dev/stdout``, is written to.

    Args:
        path: Path of the file.
        text: Text. Lone surrogates are written as escapes.

    Raises:
        OSError: If it cannot be written, such as to a folder, or a FIFO that nobody reads.
    """
    _check_path(path)
    data = text.encode(errors="backslashreplace")
    if _is_stream(path):
        _write_to_stream(path, data)
        return
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "ab") as stream:
        stream.write(data)


def _write_whole(
    path: Path, chunks: Iterable[bytes], publish: Callable[[Path, Path], object]
) -> None:
    """Write a file beside *path*, and let *publish* give it this path, or leave all as it is."""
    unfinished = path.parent / f".traingate-{secrets.token_hex(8)}"
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(file, "wb") as stream:
            try_to_lock(file)
            _remove_unfinished(path.parent, os.fstat(file).st_mtime - _KILLED_SECONDS)
            stream.writelines(chunks)
            stream.flush()
            _keep_mode(path, stream.fileno())
            os.fsync(stream.fileno())
            publish(unfinished, path)
    except BaseException:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise


def _remove_unfinished(folder: Path, latest: float) -> None:
    """Remove files that were written when their process was killed.

    Args:
        folder: Folder of the files.
        latest: Time of modification up to which they are removed, in seconds. It is one of the
            filesystem, whose clock may be that of another machine.
    """
    with contextlib.suppress(OSError):  # of a folder that may not be listed
        for name in os.listdir(folder):  # noqa: PTH208 - names alone, of a folder of any size
            if _UNFINISHED.fullmatch(name):
                with contextlib.suppress(OSError), _opened(folder / name, os.O_NOFOLLOW) as file:
                    if os.fstat(file).st_mtime <= latest and try_to_lock(file):
                        (folder / name).unlink()


def _keep_mode(path: Path, file: int) -> None:
    """Give a new file the permissions of the regular file that it replaces, if there is one."""
    with contextlib.suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            os.fchmod(file, stat.S_IMODE(status.st_mode))


def _is_stream(path: Path) -> bool:
    """Return whether *path* is a device, a FIFO, or an open file of this process.

    Raises:
        OSError: If it is a folder or a socket.
    """
    if os.path.abspath(path).startswith(_OPEN_FILES):  # noqa: PTH100 - leaves links as they are
        return True
    try:
        mode = path.stat().st_mode
    except OSError:  # it is not there, or a link to nowhere
        return False
    kind = kind_of(mode)
    if kind in {"a folder", "a socket"}:
        raise OSError(errno.EISDIR, f"it is {kind}, not a file", str(path))
    return kind is not None


def _write_to_stream(path: Path, data: bytes) -> None:
    number = _open_file(path)
    if number is not None:
        # Opened again, a regular file would be overwritten from its beginning.
        file = os.dup(number)
    else:
        # Without O_NONBLOCK, opening a FIFO waits for somebody who reads from it.
        file = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        os.set_blocking(file, True)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)


def _open_file(path: Path) -> int | None:
    """Return the descriptor of the open file of this process that *path* stands for, if any."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - leaves links as they are
    if absolute in _STANDARD_STREAMS:
        return _STANDARD_STREAMS[absolute]
    match = _DESCRIPTOR.fullmatch(absolute)
    if match is None or match["process"] not in {None, "self", "thread-self", str(os.getpid())}:
        return None
    return int(match["number"])
