"""Damaged files of every kind, for tests of what reads them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

GIBIBYTE: Final = 1 << 30
_NOBODY: Final = 65534


def _rewrite(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(change(path.read_bytes())) and None


def _replace_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


def _sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(GIBIBYTE)


@contextlib.contextmanager
def with_blocks(path: Path) -> Iterator[None]:
    """Let a file have blocks of the disk for a gibibyte, as one that was written has.

    It is emptied at the end, since pytest keeps the folders of its last sessions.
    """
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, GIBIBYTE)
            yield
        finally:
            file.truncate(0)


def _link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _nested(text: bytes) -> bytes:
    return text.rstrip()[:-1] + b', "nested": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


DAMAGES: Final[dict[str, Callable[[Path], None]]] = {
    "empty": _rewrite(lambda _: b""),
    "truncated": _rewrite(lambda text: text[: len(text) // 2]),
    "cut by one byte": _rewrite(lambda text: text.rstrip()[:-1]),
    "zeros, as after a power failure": _rewrite(lambda text: bytes(len(text))),
    "binary": _rewrite(lambda _: bytes(range(256)) * 64),
    "not UTF-8": _rewrite(lambda text: re.sub(rb'(:\s*")', b"\\1\xff\xfe", text, count=1)),
    "UTF-16": _rewrite(lambda text: text.decode().encode("utf-16")),
    "a list": _rewrite(lambda _: b"[]"),
    "a number": _rewrite(lambda _: b"1e999"),
    "null": _rewrite(lambda _: b"null"),
    "nested deeply": _rewrite(_nested),
    "nested deeply, and nothing else": _rewrite(lambda _: b"[" * 500_000),
    "two documents": _rewrite(lambda text: text + text),
    "a sparse gibibyte": _sparse,
    "a folder": _replace_by(Path.mkdir),
    "a FIFO": _replace_by(os.mkfifo),
    "a link to nowhere": _replace_by(lambda path: path.symlink_to(path.with_name("nowhere"))),
    "a link to itself": _replace_by(lambda path: path.symlink_to(path)),
    "a link to a device": _replace_by(_link_to_device),
}
"""Functions that damage a file, by the name of the damage."""


def contents(folder: Path) -> dict[str, object]:
    """Return what is in a folder, to see that nothing in it has been changed."""
    files: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        key = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
        is_small_file = path.is_file() and not path.is_symlink() and status.st_size < 1 << 20
        files[str(path.relative_to(folder))] = (key, path.read_bytes() if is_small_file else None)
    return files


@contextlib.contextmanager
def as_another_user() -> Iterator[None]:
    """Act as a user who owns nothing, if this is root, who may do anything.

    Files should be in ``public_folder``: another user may not enter pytest's folders.
    """
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@contextlib.contextmanager
def unreadable(path: Path) -> Iterator[None]:
    """Take away the right to read a file or to list a folder, from root too."""
    mode = path.stat().st_mode
    path.chmod(0o700 if os.geteuid() == 0 else 0)
    try:
        with as_another_user():
            yield
    finally:
        path.chmod(mode)


@contextlib.contextmanager
def public_folder() -> Iterator[Path]:
    """Yield a temporary folder that all users may enter and write to."""
    with tempfile.TemporaryDirectory(prefix="tg-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def edited(path: Path, change: Callable[[dict], object]) -> None:
    """Change the record of the first benchmark of a run."""
    content = json.loads(path.read_text())
    change(content["benchmarks"][0]["extra_info"]["traingate"])
    path.write_text(json.dumps(content))
